"""Alarms: what the people who run the site are warned of. `docs/operate/alarms.md` says what to do about each."""

from enum import StrEnum
from typing import Self


class AlarmCode(StrEnum):
    """Each alarm: its code, the sentence in the email to staff, the advice in admin, the module that raises it.

    The sentence in the email holds no numbers; those are in the audit log.
    """

    ONE_NETWORK = (
        "one-network",
        "One network makes most of the sign-ups.",
        "Set TRUSTED_PROXIES if it is your own proxy; else look at its flagged signatures in the queue.",
        "monitoring.alarms",
    )
    MAIL = (
        "mail",
        "More emails are due than the limits allow.",
        "They are sent later without your help. If many sign-ups are flagged, pause signing.",
        "monitoring.alarms",
    )
    MAIL_DOMAIN = (
        "mail-domain",
        "More emails to one provider are due than the limits allow.",
        "They are sent later without your help. If many sign-ups are flagged, tighten the limits.",
        "monitoring.alarms",
    )
    MAIL_STUCK = (
        "mail-stuck",
        "Emails are not sent.",
        "See whether the worker runs and the email service accepts emails.",
        "monitoring.alarms",
    )
    UNCONFIRMED = (
        "unconfirmed",
        "An unusual share of the sign-ups is not confirmed.",
        "See whether emails arrive. If they do, pause signing until you know more.",
        "monitoring.alarms",
    )
    RISE = (
        "rise",
        "Many more people sign up than at this time of the last days.",
        "Good news spreads like this, and so do scripts: look at the newest signatures, then tighten the limits.",
        "monitoring.alarms",
    )
    DOMAIN_TREND = (
        "domain-trend",
        "One email domain makes an unusual share of the sign-ups.",
        "Look at the newest signatures. If they are made up, tighten the limits or pause signing.",
        "monitoring.alarms",
    )
    NETWORK_TREND = (
        "network-trend",
        "One network makes an unusual share of the sign-ups.",
        "Look at the newest signatures. If they are made up, tighten the limits or pause signing.",
        "monitoring.alarms",
    )
    COUNT_DRIFT = (
        "count-drift",
        "The counts differ from the signatures.",
        "Do not export or deliver. Inform the operator: rows were changed past the rules of the database.",
        "monitoring.alarms",
    )
    DELIVERY_DRIFT = (
        "delivery-drift",
        "The numbers or files of a delivery do not agree.",
        "Run `manage.py reconcile`, and deliver nothing until it finds no difference.",
        "delivery.reconciliation",
    )
    AUDIT_LOG_UNCHECKED = (
        "audit-log-unchecked",
        "New audit entries get no checkpoint.",
        "Inform the operator: a database transaction may be held open (`pg_stat_activity`, `idle in transaction`).",
        "monitoring.alarms",
    )
    DUTY_FAILED = (
        "duty-failed",
        "A regular duty of the worker fails.",
        "Inform the operator: the log of the worker says where it failed. The worker tries again by itself.",
        "tasks",
    )
    WORKER = (
        "worker",
        "The worker is not running.",
        "Inform the operator: `manage.py worker` has to run.",
        "monitoring.alarms",
    )

    email_sentence: str
    advice: str
    raised_in: str

    def __new__(cls, code: str, email_sentence: str = "", advice: str = "", raised_in: str = "") -> Self:
        alarm = str.__new__(cls, code)
        alarm._value_ = code
        alarm.email_sentence, alarm.advice, alarm.raised_in = email_sentence, advice, raised_in
        return alarm
