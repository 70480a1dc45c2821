"""Alarms: what the people who run the site are warned of. `docs/operate/alarms.md` says what to do about each."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Self

_TEXTS = tomllib.loads(Path(__file__).with_name("alarms.toml").read_text(encoding="utf-8"))


class AlarmCode(StrEnum):
    """Each alarm, with its texts from `alarms.toml`."""

    ONE_NETWORK = "one-network"
    MAIL = "mail"
    MAIL_DOMAIN = "mail-domain"
    MAIL_STUCK = "mail-stuck"
    MAIL_HELD = "mail-held"
    MAIL_REFUSED = "mail-refused"
    UNCONFIRMED = "unconfirmed"
    RISE = "rise"
    DOMAIN_TREND = "domain-trend"
    NETWORK_TREND = "network-trend"
    COUNT_DRIFT = "count-drift"
    DELIVERY_DRIFT = "delivery-drift"
    AUDIT_LOG_UNCHECKED = "audit-log-unchecked"
    BACKUP = "backup"
    CLOCK = "clock"
    CACHE = "cache"
    DUTY_FAILED = "duty-failed"
    WORKER = "worker"

    email_sentence: str
    advice: str
    raised_in: str

    def __new__(cls, code: str) -> Self:
        alarm = str.__new__(cls, code)
        alarm._value_ = code
        vars(alarm).update(_TEXTS[code])
        return alarm
