"""What the people who run the site should be told: alarms, in the trail and in the log."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from signatures import limits, trail
from signatures.models import Limit, Mail, Signature, State, TrailEntry

log = logging.getLogger(__name__)

REPEAT = timedelta(hours=6)  # the same alarm again
A_CROWD = 200  # sign-ups, below which a share means nothing
STUCK = timedelta(minutes=30)


def look() -> list[str]:
    """Raise the alarms that are due; their codes. Asked every minute by the worker."""
    return [code for code, sentence in _alarms() if raise_alarm(code, sentence)]


def raise_alarm(code: str, sentence: str) -> bool:
    """Tell trail and log, unless they were told lately; whether they were told now."""
    if TrailEntry.objects.filter(action="alarm", detail__code=code, at__gt=timezone.now() - REPEAT).exists():
        return False
    trail.add("alarm", reason=sentence, detail={"code": code})
    log.error("alarm %s: %s", code, sentence)
    return True


def _alarms() -> Iterator[tuple[str, str]]:
    busiest, everybody = limits.busiest_network()
    if everybody >= A_CROWD and busiest * 2 > everybody:
        yield (
            "one-network",
            f"One network made {busiest} of {everybody} sign-ups. If that is your own proxy, set TRUSTED_PROXIES.",
        )
    for of in (Limit.Of.MAIL, Limit.Of.MAIL_DOMAIN):
        if limits.exceeded(of):
            yield str(of), "More mails are due than the limits let out. They wait, and go later."
    now = timezone.now()
    # An hour is enough for most to open their mail.
    of_a_day = Signature.objects.filter(
        signed_up_at__gt=now - timedelta(hours=25), signed_up_at__lte=now - timedelta(hours=1)
    )
    signed_up = of_a_day.count()
    if signed_up >= A_CROWD:
        unconfirmed = of_a_day.filter(state=State.UNCONFIRMED).count()
        if unconfirmed * 5 > signed_up * 4:
            share = f"{unconfirmed} of the {signed_up} sign-ups of a day are unconfirmed"
            yield "unconfirmed", f"{share}: mail does not arrive, or somebody types the addresses of others."
    if stuck := Mail.objects.filter(recipient__isnull=False, due_at__lte=now - STUCK).count():
        yield "mail-stuck", f"{stuck} mails have been due for more than half an hour."
