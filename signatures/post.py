"""The outbox: queue a mail in the transaction that causes it; drain the due ones in the worker."""

import logging
import smtplib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from nacl.public import PrivateKey

from signatures import emails, limits, links, mailboxes, topics
from signatures.models import Kind, Mail, MailSubject, Signature, State

Subjects = Mapping[tuple[str, str], str]  # by mail and language

log = logging.getLogger(__name__)

# SECURITY.md S20: to one mailbox, for one letter.
QUIET = timedelta(minutes=10)  # at most one mail in this time
A_DAY, IN_ALL = 3, 5  # mails at most
REMIND_AFTER = timedelta(days=2)
GIVE_UP = 12  # attempts; with the waits below some three days
LONGEST_WAIT = timedelta(hours=12)
OVER_BUDGET = timedelta(minutes=1)  # how long a mail waits whose domain got enough for now
# To one member of staff in an hour: who types somebody's name again and again does not fill their mailbox.
TO_STAFF = {Mail.Kind.INVITE: 3, Mail.Kind.RESET: 3, Mail.Kind.ALARM: 6}

_QUEUE = """
    INSERT INTO signatures_mail (signature_id, kind, language, recipient, queued_at, due_at, attempts, failure)
    SELECT s.id, wanted.kind, %(language)s, wanted.recipient, %(now)s, %(now)s + wanted.wait, 0, ''
    FROM signatures_signature s,
        unnest(%(kinds)s::text[], %(waits)s::interval[], %(recipients)s::bytea[]) AS wanted (kind, wait, recipient),
        LATERAL (
            SELECT count(*) FILTER (WHERE m.kind <> 'update') AS in_all,
                count(*) FILTER (WHERE m.kind = 'link' AND m.queued_at > %(now)s - interval '1 day') AS a_day,
                max(m.queued_at) FILTER (WHERE m.kind = 'link') AS last,
                count(*) FILTER (WHERE m.kind = 'reminder' AND m.signature_id = s.id) AS reminders
            FROM signatures_mail m WHERE m.signature_id = ANY (ARRAY(
                SELECT other.id FROM signatures_signature other
                WHERE other.letter_id = s.letter_id AND other.kind = ANY (%(all_kinds)s)
                    AND other.mailbox_key = s.mailbox_key
            ))
        ) sent
    WHERE s.id = ANY (%(ids)s) AND sent.in_all < %(in_all)s
        AND coalesce((SELECT q.until <= %(now)s FROM signatures_silence q WHERE q.mailbox_key = s.mailbox_key), TRUE)
        AND CASE wanted.kind
            WHEN 'reminder' THEN s.state = 'unconfirmed' AND sent.reminders = 0
            ELSE sent.a_day < %(a_day)s AND coalesce(sent.last <= %(quiet_since)s, TRUE)
        END
"""

# They were asked for, so the caps above do not count; nobody is told the same twice.
_QUEUE_UPDATES = """
    INSERT INTO signatures_mail (signature_id, kind, topic, language, recipient, queued_at, due_at, attempts, failure)
    SELECT s.id, 'update', %(topic)s, s.language, wanted.recipient, %(now)s, %(now)s, 0, ''
    FROM unnest(%(ids)s::bigint[], %(recipients)s::bytea[]) AS wanted (id, recipient)
        JOIN signatures_signature s ON s.id = wanted.id
    WHERE NOT EXISTS (
        SELECT 1 FROM signatures_mail m WHERE m.signature_id = s.id AND m.kind = 'update' AND m.topic = %(topic)s
    )
"""

_QUEUE_FOR_STAFF = """
    INSERT INTO signatures_mail (staff_id, kind, topic, language, recipient, queued_at, due_at, attempts, failure)
    SELECT u.id, %(kind)s, %(topic)s, %(language)s, wanted.recipient, %(now)s, %(now)s, 0, ''
    FROM unnest(%(ids)s::bigint[], %(recipients)s::bytea[]) AS wanted (id, recipient)
        JOIN auth_user u ON u.id = wanted.id
    WHERE (
        SELECT count(*) FROM signatures_mail m
        WHERE m.staff_id = u.id AND m.kind = %(kind)s AND m.queued_at > %(now)s - interval '1 hour'
    ) < %(most)s
"""


def queue(
    signatures: Sequence[int],
    *,
    language: str,
    address: str,
    remind: bool = False,
    kind: Mail.Kind = Mail.Kind.LINK,
) -> int:
    """Put the mail with the personal link into the outbox, its recipient sealed, unless the mailbox got enough.

    How many were put there.

    The caller holds the lock on the signatures' rows, so that two at once cannot both find nothing. With `remind` the
    reminder is queued, too, which goes out after `REMIND_AFTER` to who has not confirmed by then.
    """
    now = timezone.now()
    wanted = [(kind, timedelta(0)), *([(Mail.Kind.REMINDER, REMIND_AFTER)] if remind else [])]
    values: dict[str, Any] = {
        "ids": list(signatures),
        "kinds": [each for each, _wait in wanted],
        "waits": [wait for _kind, wait in wanted],
        # Each sealed anew: two boxes that were the same would tell that they hold the same (R3).
        "recipients": [mailboxes.seal(address, public_key=settings.POST_PUBLIC_KEY) for _each in wanted],
        "all_kinds": Kind.values,
        "language": language,
        "now": now,
        "quiet_since": now - QUIET,
        "in_all": IN_ALL,
        "a_day": A_DAY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE, values)
        return int(cursor.rowcount)


def queue_updates(addresses: Mapping[int, str], *, topic: str) -> int:
    """Put a mail about this topic into the outbox for each of these signatures, once; how many were put there.

    The caller holds the lock on the signatures' rows. Whose address it is, is sealed anew, to the post's key.
    """
    values: dict[str, Any] = {
        "ids": list(addresses),
        "recipients": [mailboxes.seal(a, public_key=settings.POST_PUBLIC_KEY) for a in addresses.values()],
        "topic": topic,
        "now": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_UPDATES, values)
        return int(cursor.rowcount)


def queue_for_staff(staff_ids: Sequence[int], *, kind: Mail.Kind, topic: str = "") -> int:
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
        "recipients": [mailboxes.seal(address, public_key=settings.POST_PUBLIC_KEY) for _number, address in wanted],
        "kind": kind,
        "topic": topic,
        "language": settings.LANGUAGE_CODE,
        "now": timezone.now(),
        "most": TO_STAFF[kind],
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_FOR_STAFF, values)
        return int(cursor.rowcount)


def drop(signature_id: int) -> None:
    """What has not gone out to this signer will not."""
    Mail.objects.filter(signature=signature_id, recipient__isnull=False).delete()


def drain(*, limit: int = 500) -> int:
    """Send the mails that are due over one connection, within the budgets of `limits`; how many went.

    Those to staff go first and spend no budget: an alarm that the mails pile up must not wait behind them.

    Each is locked, sent and marked in a transaction of its own: whoever dies in between sends one mail twice at most,
    and none is lost (at least once).

    Raises:
        OSError: when the private key's file cannot be read.
    """
    if not _due().exists():
        return 0
    private_key = mailboxes.read_private_key(Path(settings.POST_PRIVATE_KEY_FILE))
    subjects = {(row.mail, row.language): row.subject for row in MailSubject.objects.all()}
    sent = 0
    outgoing = mailers.create_connection("default")
    try:
        for due in (_due().filter(staff_id__isnull=False), _due().filter(staff_id__isnull=True)):
            for _turn in range(limit):
                outcome = _send_next(due, outgoing, private_key, subjects)
                if outcome is None:
                    break
                sent += outcome
    finally:
        outgoing.close()
    return sent


def _due() -> QuerySet[Mail]:
    return Mail.objects.filter(recipient__isnull=False, due_at__lte=timezone.now())


@transaction.atomic
def _send_next(
    due: QuerySet[Mail], outgoing: BaseEmailBackend, private_key: PrivateKey, subjects: Subjects
) -> bool | None:
    """Send one mail: True when it went, False when it did not, None when none is due or the budget is spent."""
    due = due.filter(due_at__lte=timezone.now())
    mail = due.select_for_update(skip_locked=True, of=("self",)).select_related("signature").order_by("due_at").first()
    if mail is None:
        return None
    if mail.signature is not None and _is_pointless(mail, mail.signature):
        mail.delete()
        return False
    try:
        address = mailboxes.unseal(mail.recipient or b"", private_key=private_key)
    except mailboxes.CannotOpen:
        return _mark(mail, "final: sealed to another key")
    if mail.signature is None:
        return _send_to_staff(mail, address, outgoing)
    message = _message(mail, mail.signature, address, subjects)
    if message is None:
        mail.delete()
        return False
    return _send_within_budget(mail, message, mailboxes.domain_of(address), outgoing)


def _send_within_budget(
    mail: Mail, message: EmailMultiAlternatives, domain: str, outgoing: BaseEmailBackend
) -> bool | None:
    over = limits.touch({"mail": "", "mail-domain": domain}).over
    if "mail" in over:
        return None
    if over:
        mail.due_at = timezone.now() + OVER_BUDGET
        mail.save(update_fields=["due_at"])
        return False
    return _mark(mail, _try(message, outgoing))


def _send_to_staff(mail: Mail, address: str, outgoing: BaseEmailBackend) -> bool:
    """Send it, unless the account is closed or has another address by now."""
    person = User.objects.filter(pk=mail.staff_id or 0, is_active=True, email=address).first()
    if person is None:
        mail.delete()
        return False
    context = {
        "link": settings.SITE_URL + reverse("admin:index") if mail.kind == Mail.Kind.ALARM else password_link(person),
        "sentence": emails.ALARMS.get(mail.topic, mail.topic),
        "operator": settings.OPERATOR_NAME,
        "privacy_contact": settings.PRIVACY_CONTACT,
    }
    message = emails.message(mail.kind, to=address, language=mail.language, context=context)
    return _mark(mail, _try(message, outgoing))


def password_link(person: User) -> str:
    """Where a member of staff sets a password, once and within `PASSWORD_RESET_TIMEOUT`. Nothing of it is stored."""
    whose = urlsafe_base64_encode(force_bytes(person.pk))
    return settings.SITE_URL + reverse("admin:set_password", args=[whose, default_token_generator.make_token(person)])


def _is_pointless(mail: Mail, signature: Signature) -> bool:
    """A reminder once it is confirmed, or when a link went there in the last day; an update that nobody wants."""
    if mail.kind == Mail.Kind.UPDATE:
        return signature.sealed_address is None
    lately = Mail.objects.filter(signature=signature, sent_at__gt=timezone.now() - timedelta(days=1))
    return mail.kind == Mail.Kind.REMINDER and (signature.state != State.UNCONFIRMED or lately.exists())


def _mark(mail: Mail, failure: str) -> bool:
    """Write down what became of an attempt; whether the mail went."""
    mail.attempts += 1
    mail.failure = failure
    if not failure:
        mail.sent_at, mail.recipient = timezone.now(), None
    elif failure.startswith("final") or mail.attempts >= GIVE_UP:
        mail.recipient = None
    else:
        mail.due_at = timezone.now() + min(timedelta(minutes=2 ** (mail.attempts - 1)), LONGEST_WAIT)
    mail.save(update_fields=["attempts", "failure", "sent_at", "recipient", "due_at"])
    if failure:
        log.warning("mail %s not sent, attempt %s: %s", mail.pk, mail.attempts, failure)
    return not failure


def _try(message: EmailMultiAlternatives, outgoing: BaseEmailBackend) -> str:
    """Send it; the code of what went wrong, or nothing. No exception leaves here: its text can hold the address."""
    try:
        outgoing.open()  # stays open for the next one
        outgoing.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        if 421 in codes:
            outgoing.close()  # smtplib has hung up
        return f"final: {codes[0]}" if codes and codes[0] >= 500 else f"refused: {codes[:1]}"
    except smtplib.SMTPResponseException as error:
        outgoing.close()
        return (
            f"final: {error.smtp_code}"
            if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
            else f"refused: {error.smtp_code}"
        )
    except ValueError as error:  # an address that no header can hold
        return f"final: {type(error).__name__}"
    except (OSError, smtplib.SMTPException) as error:
        outgoing.close()
        return f"unreachable: {type(error).__name__}"
    return ""


def _message(mail: Mail, signature: Signature, address: str, subjects: Subjects) -> EmailMultiAlternatives | None:
    """Which mail it is, is decided when it goes: who confirmed meanwhile is told so."""
    if mail.kind == Mail.Kind.UPDATE:
        return _update(mail, signature, address, subjects)
    is_kept = signature.state == State.UNCONFIRMED or mail.kind == Mail.Kind.QUESTION
    name = mail.kind if is_kept else "already"
    context = {
        "link": personal_link(signature, language=mail.language),
        "operator": settings.OPERATOR_NAME,
        "privacy_contact": settings.PRIVACY_CONTACT,
    }
    return emails.message(
        name, to=address, language=mail.language, context=context, subject=subjects.get((name, mail.language), "")
    )


def _update(mail: Mail, signature: Signature, address: str, subjects: Subjects) -> EmailMultiAlternatives | None:
    """What became of the letter, with the link to the page that everybody may read; None when it is not there."""
    with translation.override(mail.language):
        told = topics.telling(mail.topic)
        leaving = settings.SITE_URL + reverse("no-updates", args=[links.leaving_token(signature.public_id)])
    if told is None:
        return None
    context = {
        **told.context,
        "link": settings.SITE_URL + told.page,
        "personal_link": personal_link(signature, language=mail.language),
        "leaving": leaving,
        "operator": settings.OPERATOR_NAME,
        "privacy_contact": settings.PRIVACY_CONTACT,
    }
    return emails.message(
        told.mail,
        to=address,
        language=mail.language,
        context=context,
        subject=subjects.get(("update", mail.language), ""),
        unsubscribe=leaving,
    )


def personal_link(signature: Signature, *, language: str) -> str:
    """The address of the personal page, on SITE_URL alone (never on the host of a request)."""
    with translation.override(language):
        return settings.SITE_URL + reverse("signature", args=[links.token(signature.public_id)])
