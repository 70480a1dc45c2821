"""Mails into the outbox, in the transaction that causes them, or out of it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from signatures.models import OutboxMail
from signatures.states import Kind
from signatures.values import sealing

# SECURITY.md S20: to one mailbox, for one letter.
MIN_INTERVAL = timedelta(minutes=10)  # at most one mail in this time
MAX_PER_DAY, MAX_IN_ALL = 3, 5  # mails at most
REMIND_AFTER = timedelta(days=2)
# To one member of staff in an hour: who types somebody's name again and again does not fill their mailbox.
MAX_PER_HOUR_TO_STAFF = {OutboxMail.Kind.INVITE: 3, OutboxMail.Kind.RESET: 3, OutboxMail.Kind.ALARM: 6}

_QUEUE = """
    INSERT INTO signatures_outboxmail (signature_id, kind, language, recipient, queued_at, due_at, attempts, failure)
    SELECT s.id, wanted.kind, %(language)s, wanted.recipient, %(now)s, %(now)s + wanted.wait, 0, ''
    FROM signatures_signature s,
        unnest(%(kinds)s::text[], %(waits)s::interval[], %(recipients)s::bytea[]) AS wanted (kind, wait, recipient),
        LATERAL (
            SELECT count(*) FILTER (WHERE m.kind <> 'update') AS in_all,
                count(*) FILTER (WHERE m.kind = 'link' AND m.queued_at > %(now)s - interval '1 day') AS a_day,
                max(m.queued_at) FILTER (WHERE m.kind = 'link') AS last,
                count(*) FILTER (WHERE m.kind = 'reminder' AND m.signature_id = s.id) AS reminders
            FROM signatures_outboxmail m WHERE m.signature_id = ANY (ARRAY(
                SELECT other.id FROM signatures_signature other
                WHERE other.letter_id = s.letter_id AND other.kind = ANY (%(all_kinds)s)
                    AND other.address_hash = s.address_hash
            ))
        ) sent
    WHERE s.id = ANY (%(ids)s) AND sent.in_all < %(in_all)s
        AND coalesce((SELECT q.until <= %(now)s FROM signatures_suppression q WHERE q.address_hash = s.address_hash), TRUE)
        AND CASE wanted.kind
            WHEN 'reminder' THEN s.state = 'unconfirmed' AND sent.reminders = 0
            ELSE sent.a_day < %(a_day)s AND coalesce(sent.last <= %(quiet_since)s, TRUE)
        END
"""

# They were asked for, so the caps above do not count; nobody is told the same twice.
_QUEUE_UPDATES = """
    INSERT INTO signatures_outboxmail (signature_id, kind, topic, language, recipient, queued_at, due_at, attempts, failure)
    SELECT s.id, 'update', %(topic)s, s.language, wanted.recipient, %(now)s, %(now)s, 0, ''
    FROM unnest(%(ids)s::bigint[], %(recipients)s::bytea[]) AS wanted (id, recipient)
        JOIN signatures_signature s ON s.id = wanted.id
    WHERE NOT EXISTS (
        SELECT 1 FROM signatures_outboxmail m WHERE m.signature_id = s.id AND m.kind = 'update' AND m.topic = %(topic)s
    )
"""

_QUEUE_FOR_STAFF = """
    INSERT INTO signatures_outboxmail (staff_id, kind, topic, language, recipient, queued_at, due_at, attempts, failure)
    SELECT u.id, %(kind)s, %(topic)s, %(language)s, wanted.recipient, %(now)s, %(now)s, 0, ''
    FROM unnest(%(ids)s::bigint[], %(recipients)s::bytea[]) AS wanted (id, recipient)
        JOIN auth_user u ON u.id = wanted.id
    WHERE (
        SELECT count(*) FROM signatures_outboxmail m
        WHERE m.staff_id = u.id AND m.kind = %(kind)s AND m.queued_at > %(now)s - interval '1 hour'
    ) < %(most)s
"""


def enqueue(
    signatures: Sequence[int],
    *,
    language: str,
    address: str,
    remind: bool = False,
    kind: OutboxMail.Kind = OutboxMail.Kind.LINK,
) -> int:
    """Put the mail with the personal link into the outbox, its recipient sealed, unless the mailbox got enough.

    How many were put there.

    The caller holds the lock on the signatures' rows, so that two at once cannot both find nothing. With `remind` the
    reminder is queued, too, which goes out after `REMIND_AFTER` to who has not confirmed by then.
    """
    now = timezone.now()
    wanted = [(kind, timedelta(0)), *([(OutboxMail.Kind.REMINDER, REMIND_AFTER)] if remind else [])]
    values: dict[str, Any] = {
        "ids": list(signatures),
        "kinds": [each for each, _wait in wanted],
        "waits": [wait for _kind, wait in wanted],
        # Each sealed anew: two boxes that were the same would tell that they hold the same (R3).
        "recipients": [sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY) for _each in wanted],
        "all_kinds": Kind.values,
        "language": language,
        "now": now,
        "quiet_since": now - MIN_INTERVAL,
        "in_all": MAX_IN_ALL,
        "a_day": MAX_PER_DAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        return int(cursor.rowcount)


def enqueue_updates(addresses: Mapping[int, str], *, topic: str) -> int:
    """Put a mail about this topic into the outbox for each of these signatures, once; how many were put there.

    The caller holds the lock on the signatures' rows. Whose address it is, is sealed anew, to the post's key.
    """
    values: dict[str, Any] = {
        "ids": list(addresses),
        "recipients": [sealing.seal(a, public_key=settings.OUTBOX_PUBLIC_KEY) for a in addresses.values()],
        "topic": topic,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_UPDATES, values)
        return int(cursor.rowcount)


def enqueue_for_staff(staff_ids: Sequence[int], *, kind: OutboxMail.Kind, topic: str = "") -> int:
    """Put a mail to each of these members of staff into the outbox; how many were put there.

    Whoever is not active, has no address or got enough in this hour gets none. Two statements, whatever is found, and
    a box is sealed for nobody, too: a page on which anybody can ask takes the same time for all (SECURITY.md A13).

    Args:
        staff_ids: who; those that do not exist are passed over.
        kind: `INVITE` and `RESET` hold a link that is made when the mail goes; `ALARM` leads to admin.
        topic: the code of an alarm; `emails.ALARMS` has its sentence.
    """
    found = User.objects.filter(pk__in=staff_ids, is_active=True).exclude(email="").values_list("pk", "email")
    wanted = list(found) or [(0, "")]
    values: dict[str, Any] = {
        "ids": [number for number, _address in wanted],
        "recipients": [sealing.seal(address, public_key=settings.OUTBOX_PUBLIC_KEY) for _number, address in wanted],
        "kind": kind,
        "topic": topic,
        "language": settings.LANGUAGE_CODE,
        "now": timezone.now(),
        "most": MAX_PER_HOUR_TO_STAFF[kind],
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_FOR_STAFF, values)
        return int(cursor.rowcount)


def discard(signature_id: int) -> None:
    """What has not gone out to this signer will not."""
    OutboxMail.objects.filter(signature=signature_id, recipient__isnull=False).delete()
