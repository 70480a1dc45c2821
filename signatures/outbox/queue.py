"""The queue of the outbox: emails are enqueued in the transaction that causes them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from campaign.runtime.sql_files import load_sql
from signatures.models import OutboxMail
from signatures.states import Kind
from signatures.values import sealing

# Threat model S20: limits on emails to one address about one letter.
MIN_INTERVAL = timedelta(minutes=10)  # between two emails
MAX_PER_DAY, MAX_IN_ALL = 3, 5
REMIND_AFTER = timedelta(days=2)
# To one member of staff. Somebody who types their name again and again does not fill their mailbox.
MAX_PER_HOUR_TO_STAFF = {OutboxMail.Kind.INVITE: 3, OutboxMail.Kind.RESET: 3, OutboxMail.Kind.ALARM: 6}

_ENQUEUE = load_sql(__file__, "enqueue.sql")
_ENQUEUE_UPDATES = load_sql(__file__, "enqueue_updates.sql")
_ENQUEUE_FOR_STAFF = load_sql(__file__, "enqueue_for_staff.sql")


def enqueue(
    signatures: Sequence[int],
    *,
    language: str,
    address: str,
    remind: bool = False,
    kind: OutboxMail.Kind = OutboxMail.Kind.LINK,
) -> int:
    """Enqueues the email with the personal link, unless the address got enough. Returns the number of emails enqueued.

    The caller holds the lock on the rows of the signatures. Otherwise two requests at once could each find that no
    email was enqueued yet.

    Args:
        signatures: the ids of signatures that belong to `address`.
        language: the language of the email.
        address: the email address; the outbox keeps it sealed.
        remind: enqueue a reminder, too. It is sent after `REMIND_AFTER` if the signature is still unconfirmed.
        kind: `LINK`, or `QUESTION` if staff asked something.
    """
    wanted = [(kind, timedelta(0)), *([(OutboxMail.Kind.REMINDER, REMIND_AFTER)] if remind else [])]
    now = timezone.now()
    return _execute(
        _ENQUEUE,
        ids=list(signatures),
        kinds=[kind for kind, _wait in wanted],
        waits=[wait for _kind, wait in wanted],
        # Each sealed on its own: two recipients with the same bytes would show that they are the same (R3).
        recipients=_seal([address for _each in wanted]),
        all_kinds=Kind.values,
        language=language,
        now=now,
        interval_since=now - MIN_INTERVAL,
        max_in_all=MAX_IN_ALL,
        max_per_day=MAX_PER_DAY,
    )


def enqueue_updates(addresses: Mapping[int, str], *, topic: str) -> int:
    """Enqueues an email about a topic for each signature, once. Returns the number of emails enqueued.

    The caller holds the lock on the rows of the signatures.

    Args:
        addresses: the email addresses, by the id of the signature. The outbox seals them again, to its own key.
        topic: what the email is about (see `topics`).
    """
    return _execute(
        _ENQUEUE_UPDATES,
        ids=list(addresses),
        recipients=_seal(addresses.values()),
        topic=topic,
        now=timezone.now(),
    )


def enqueue_for_staff(staff_ids: Sequence[int], *, kind: OutboxMail.Kind, topic: str = "") -> int:
    """Enqueues an email to members of staff. Returns the number of emails enqueued.

    An account that is not active, has no address or got enough in this hour gets none. The same two statements run and
    one recipient is sealed even if nobody is found, so that a page where anybody can ask takes the same time for
    everybody (threat model A13).

    Args:
        staff_ids: the ids of the accounts; ids that do not exist are ignored.
        kind: `INVITE` and `RESET` hold a link that is made when the email is sent; `ALARM` leads to admin.
        topic: the code of an alarm.
    """
    found = User.objects.filter(pk__in=staff_ids, is_active=True).exclude(email="").values_list("pk", "email")
    addresses = dict(found) or {0: ""}
    return _execute(
        _ENQUEUE_FOR_STAFF,
        ids=list(addresses),
        recipients=_seal(addresses.values()),
        kind=kind,
        topic=topic,
        language=settings.LANGUAGE_CODE,
        now=timezone.now(),
        max_per_hour=MAX_PER_HOUR_TO_STAFF[kind],
    )


def discard(signature_id: int) -> None:
    """Deletes the emails to this signer that have not been sent."""
    OutboxMail.objects.filter(signature=signature_id, recipient__isnull=False).delete()


def _seal(addresses: Iterable[str]) -> list[bytes]:
    return [sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY) for address in addresses]


def _execute(statement: str, **values: Any) -> int:
    """Returns the number of rows that the statement inserted."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
