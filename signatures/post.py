"""The outbox: queue a mail in the transaction that causes it; drain the due ones in the worker."""

import logging
import smtplib
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from nacl.public import PrivateKey

from signatures import emails, links, mailboxes
from signatures.models import Mail, Signature, State

log = logging.getLogger(__name__)

QUIET = timedelta(minutes=10)  # one mail to a mailbox in this time (SECURITY.md S20)
GIVE_UP = 12  # attempts; with the waits below some three days
LONGEST_WAIT = timedelta(hours=12)

_QUEUE = """
    INSERT INTO signatures_mail (signature_id, kind, language, recipient, queued_at, due_at, attempts, failure)
    SELECT %(signature)s, %(kind)s, %(language)s, %(recipient)s, %(now)s, %(now)s, 0, ''
    WHERE NOT EXISTS (
        SELECT 1 FROM signatures_mail
        WHERE signature_id = %(signature)s AND kind = %(kind)s AND queued_at > %(quiet_since)s
    )
"""


def queue(signature_id: int, *, kind: Mail.Kind, language: str, address: str) -> None:
    """Put a mail into the outbox, its recipient sealed, unless one of this kind went there within `QUIET`.

    The caller holds the lock on the signature's row, so that two at once cannot both find nothing.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _QUEUE,
            {
                "signature": signature_id,
                "kind": kind,
                "language": language,
                "recipient": mailboxes.seal(address, public_key=settings.POST_PUBLIC_KEY),
                "now": now,
                "quiet_since": now - QUIET,
            },
        )


def drain(*, limit: int = 500) -> int:
    """Send the mails that are due over one connection; how many went.

    Each is locked, sent and marked in a transaction of its own: whoever dies in between sends one mail twice at most,
    and none is lost (at least once).

    Raises:
        OSError: when the private key's file cannot be read.
    """
    if not _due().exists():
        return 0
    private_key = mailboxes.read_private_key(Path(settings.POST_PRIVATE_KEY_FILE))
    sent = 0
    outgoing = mailers.create_connection("default")
    try:
        for _turn in range(limit):
            outcome = _send_next(outgoing, private_key)
            if outcome is None:
                break
            sent += outcome
    finally:
        outgoing.close()
    return sent


def _due() -> QuerySet[Mail]:
    return Mail.objects.filter(recipient__isnull=False, due_at__lte=timezone.now())


@transaction.atomic
def _send_next(outgoing: BaseEmailBackend, private_key: PrivateKey) -> bool | None:
    """Send one mail: True when it went, False when it did not, None when none is due."""
    mail = (
        _due()
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("signature__letter")
        .order_by("due_at")
        .first()
    )
    if mail is None:
        return None
    mail.attempts += 1
    mail.failure = _try(mail, outgoing, private_key)
    if not mail.failure:
        mail.sent_at, mail.recipient = timezone.now(), None
    elif mail.failure.startswith("final") or mail.attempts >= GIVE_UP:
        mail.recipient = None
    else:
        mail.due_at = timezone.now() + min(timedelta(minutes=2 ** (mail.attempts - 1)), LONGEST_WAIT)
    mail.save(update_fields=["attempts", "failure", "sent_at", "recipient", "due_at"])
    if mail.failure:
        log.warning("mail %s not sent, attempt %s: %s", mail.pk, mail.attempts, mail.failure)
    return not mail.failure


def _try(mail: Mail, outgoing: BaseEmailBackend, private_key: PrivateKey) -> str:
    """Send it; the code of what went wrong, or nothing. No exception leaves here: its text can hold the address."""
    try:
        message = _message(mail, mailboxes.unseal(mail.recipient or b"", private_key=private_key))
        outgoing.open()  # stays open for the next one
        outgoing.send_messages([message])
    except mailboxes.CannotOpen:
        return "final: sealed to another key"
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        return f"final: {codes[0]}" if codes and codes[0] >= 500 else f"refused: {codes[:1]}"
    except smtplib.SMTPResponseException as error:
        outgoing.close()
        return (
            f"final: {error.smtp_code}"
            if isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
            else f"refused: {error.smtp_code}"
        )
    except (OSError, smtplib.SMTPException) as error:
        outgoing.close()
        return f"unreachable: {type(error).__name__}"
    return ""


def _message(mail: Mail, address: str) -> EmailMultiAlternatives:
    signature = mail.signature
    context = {
        "link": personal_link(signature, language=mail.language),
        "confirmed": signature.state != State.UNCONFIRMED,
        "operator": settings.OPERATOR_NAME,
        "privacy_contact": settings.PRIVACY_CONTACT,
    }
    return emails.message("link", to=address, language=mail.language, context=context)


def personal_link(signature: Signature, *, language: str) -> str:
    """The address of the personal page, on SITE_URL alone (never on the host of a request)."""
    with translation.override(language):
        return settings.SITE_URL + reverse("signature", args=[links.token(signature.public_id)])
