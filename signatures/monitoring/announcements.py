"""Tells the operator of alarms by email and by webhook, beside the outbox: an alarm may say that the outbox stands.

Both get the sentence of the registry, which holds no number: a webhook is somebody else's machine.
"""

import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPException
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from signatures.models import Alarm
from signatures.monitoring import alarms
from signatures.registries import AlarmCode

log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds


def announce() -> int:
    """Tells of each active alarm wherever that was not done yet. Returns the number of announcements made.

    What fails is tried again at the next turn, for as long as the alarm is active.
    """
    # The worker's own alarm is active when no worker runs, so none can tell of it.
    codes = alarms.active(timezone.now()).exclude(code=AlarmCode.WORKER).values_list("code", flat=True)
    failed: set[str] = set()
    return sum(_announce(code, failed) for code in codes)


@transaction.atomic
def _announce(code: str, failed: set[str]) -> int:
    alarm = Alarm.objects.select_for_update(skip_locked=True).filter(code=code).first()  # one worker tells of it
    if alarm is None:
        return 0
    # What has failed in this turn would only keep the other duties waiting.
    left = {name: tell for name, tell in _channels() if name not in {*alarm.announced_to, *failed}}
    done = [name for name, tell in left.items() if _tell(name, tell, alarm)]
    failed.update(left.keys() - done)
    if done:
        alarm.announced_to += done
        alarm.save(update_fields=["announced_to"])
    return len(done)


def _channels() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Yields each way to reach the operator: its name, and a function that takes the text."""
    if settings.OPERATOR_EMAIL:
        yield "email", _send_email
    shape, _plus, url = settings.ALARM_WEBHOOK_URL.partition("+")
    if url:
        yield "webhook", partial(_post, _REQUESTS[shape], url)


def _tell(channel: str, tell: Callable[[str], object], alarm: Alarm) -> bool:
    try:
        tell(f"{settings.SITE.hostname}: {AlarmCode(alarm.code).email_sentence} ({alarm.code})")
    except (OSError, HTTPException, ValueError) as error:  # the first one of SMTP, too; the last one of a wrong address
        log.warning("alarm %s did not reach the operator by %s: %s", alarm.code, channel, type(error).__name__)
        return False
    return True


def _send_email(text: str) -> None:
    EmailMessage(text.rpartition(" (")[0], f"{text}\n", to=[settings.OPERATOR_EMAIL]).send()


def _post(request: Callable[[str, str], Request], url: str, text: str) -> None:
    with urlopen(request(url, text), timeout=TIMEOUT):  # noqa: S310  the settings allow HTTPS, and HTTP on this machine
        pass


def _slack(url: str, text: str) -> Request:
    return Request(url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"})  # noqa: S310  the same


def _ntfy(url: str, text: str) -> Request:
    return Request(url, text.encode(), {"Title": "Alarm", "Priority": "high"})  # noqa: S310  the same


_REQUESTS = {"slack": _slack, "ntfy": _ntfy}
