"""Sends the emails in the outbox that are due, one by one, in the worker."""

import logging
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from nacl.public import PrivateKey

from signatures.models import EmailSubject, OutboxMail, RateLimit, Signature
from signatures.outbox import rendering, topics
from signatures.registries import AlarmCode
from signatures.screening import rate_limits
from signatures.states import State
from signatures.values import email_addresses, sealing, tokens

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12  # with the waits between them, about three days
MAX_WAIT = timedelta(hours=12)  # between two attempts
BUDGET_WAIT = timedelta(minutes=1)  # for an email whose domain got enough for now

# Makes the link in an email to a member of staff, when the email is sent. `signatures.staff` registers one for each
# kind at start, because the pages that the links lead to are not known here.
staff_links: dict[OutboxMail.Kind, Callable[[User], str]] = {}


@dataclass(frozen=True, slots=True)
class _Run:
    """What all emails of one run share."""

    connection: BaseEmailBackend
    private_key: PrivateKey
    subjects: Mapping[tuple[str, str], str]  # by the name of the email and language


def send_due(*, limit: int = 500) -> int:
    """Sends the emails that are due over one connection. Returns the number of emails sent.

    Emails to staff go first and use no budget of the rate limits: an alarm that emails pile up must not wait behind
    them. Each email is locked, sent and saved in a transaction of its own. So no email is lost, and when the worker
    dies in between, one is sent twice.

    Args:
        limit: the number of emails to staff, and of emails to signers, in this run.

    Raises:
        OSError: when the file of the private key cannot be read.
    """
    if not _due().exists():
        return 0
    private_key = sealing.read_private_key(Path(settings.OUTBOX_PRIVATE_KEY_FILE))
    subjects = {(row.mail, row.language): row.subject for row in EmailSubject.objects.all()}
    sent = 0
    connection = mailers.create_connection("default")
    try:
        run = _Run(connection, private_key, subjects)
        for is_to_staff in (True, False):
            for _email in range(limit):
                is_sent = _send_next(_due().filter(staff_id__isnull=not is_to_staff), run)
                if is_sent is None:
                    break
                sent += is_sent
    finally:
        connection.close()
    return sent


def _due() -> QuerySet[OutboxMail]:
    return OutboxMail.objects.filter(recipient__isnull=False, due_at__lte=timezone.now())


@transaction.atomic
def _send_next(due: QuerySet[OutboxMail], run: _Run) -> bool | None:
    """Sends one email. Returns whether it was sent, or None if none is due or the site's budget is used up."""
    mail = due.select_for_update(skip_locked=True, of=("self",)).select_related("signature").order_by("due_at").first()
    if mail is None:
        return None
    if mail.signature is not None and _is_pointless(mail, mail.signature):
        mail.delete()
        return False
    try:
        address = sealing.unseal(mail.recipient or b"", private_key=run.private_key)
    except sealing.CannotUnseal:
        return _save_attempt(mail, "final: sealed to another key")
    message = _message(mail, address, run)
    if message is None:
        mail.delete()
        return False
    exceeded = _exceeded_budgets(address) if mail.staff_id is None else frozenset()
    if RateLimit.Scope.MAIL in exceeded:
        return None
    return _postpone(mail) if exceeded else _save_attempt(mail, _attempt(message, run.connection))


def _exceeded_budgets(address: str) -> frozenset[str]:
    domain = email_addresses.domain_of(address)
    return rate_limits.count_event({RateLimit.Scope.MAIL: "", RateLimit.Scope.MAIL_DOMAIN: domain}).over


def _postpone(mail: OutboxMail) -> bool:
    """Returns False: the email was not sent."""
    mail.due_at = timezone.now() + BUDGET_WAIT
    mail.save(update_fields=["due_at"])
    return False


def _attempt(message: EmailMultiAlternatives, connection: BaseEmailBackend) -> str:
    """Sends the message. Returns a code for what went wrong, or an empty string.

    No exception leaves this function, because its text can hold the address. A code that begins with "final" is not
    tried again.
    """
    try:
        connection.open()  # stays open for the next email
        connection.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        if 421 in codes:
            connection.close()  # smtplib has closed its side
        return f"final: {codes[0]}" if codes and codes[0] >= 500 else f"refused: {codes[:1]}"
    except smtplib.SMTPResponseException as error:
        connection.close()
        is_final = isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
        return f"{'final' if is_final else 'refused'}: {error.smtp_code}"
    except ValueError as error:  # an address that no header can hold
        return f"final: {type(error).__name__}"
    except (OSError, smtplib.SMTPException) as error:
        connection.close()
        return f"unreachable: {type(error).__name__}"
    return ""


def _save_attempt(mail: OutboxMail, failure: str) -> bool:
    """Saves the result of an attempt. Returns whether the email was sent."""
    mail.attempts += 1
    mail.failure = failure
    if not failure:
        mail.sent_at, mail.recipient = timezone.now(), None
    elif failure.startswith("final") or mail.attempts >= MAX_ATTEMPTS:
        mail.recipient = None
    else:
        mail.due_at = timezone.now() + min(timedelta(minutes=2 ** (mail.attempts - 1)), MAX_WAIT)
    mail.save(update_fields=["attempts", "failure", "sent_at", "recipient", "due_at"])
    if failure:
        log.warning("mail %s not sent, attempt %s: %s", mail.pk, mail.attempts, failure)
    return not failure


def _message(mail: OutboxMail, address: str, run: _Run) -> EmailMultiAlternatives | None:
    """Builds the email. Returns None if there is nothing to say, or nobody to say it to, any more."""
    if mail.signature is None:
        return _staff_message(mail, address)
    if mail.kind == OutboxMail.Kind.UPDATE:
        return _update_message(mail, mail.signature, address, run)
    return _link_message(mail, mail.signature, address, run)


def _staff_message(mail: OutboxMail, address: str) -> EmailMultiAlternatives | None:
    """Returns None if the account was closed or has another address now."""
    person = User.objects.filter(pk=mail.staff_id or 0, is_active=True, email=address).first()
    if person is None:
        return None
    context = {
        "link": staff_links[OutboxMail.Kind(mail.kind)](person),
        "sentence": AlarmCode(mail.topic).email_sentence if mail.topic in AlarmCode else mail.topic,
    }
    return rendering.build_message(mail.kind, to=address, language=mail.language, context=context)


def _is_pointless(mail: OutboxMail, signature: Signature) -> bool:
    """A reminder after confirming, or within a day of another email; an update to somebody who unsubscribed."""
    if mail.kind == OutboxMail.Kind.UPDATE:
        return signature.sealed_address is None
    recent = OutboxMail.objects.filter(signature=signature, sent_at__gt=timezone.now() - timedelta(days=1))
    return mail.kind == OutboxMail.Kind.REMINDER and (signature.state != State.UNCONFIRMED or recent.exists())


def _link_message(mail: OutboxMail, signature: Signature, address: str, run: _Run) -> EmailMultiAlternatives:
    """Chooses the template at send time: who has confirmed meanwhile gets the link without a request to confirm."""
    asks = signature.state == State.UNCONFIRMED or mail.kind == OutboxMail.Kind.QUESTION
    name = mail.kind if asks else EmailSubject.Of.ALREADY
    context = {"link": personal_link(signature, language=mail.language)}
    subject = run.subjects.get((name, mail.language), "")
    return rendering.build_message(name, to=address, language=mail.language, context=context, subject=subject)


def _update_message(mail: OutboxMail, signature: Signature, address: str, run: _Run) -> EmailMultiAlternatives | None:
    """Builds the email about what became of the letter. Returns None if the news was retracted."""
    with translation.override(mail.language):
        announcement = topics.resolve(mail.topic)
        unsubscribe = settings.SITE_URL + reverse("unsubscribe", args=[tokens.unsubscribe_token(signature.public_id)])
    if announcement is None:
        return None
    context: dict[str, Any] = {
        **announcement.context,
        "link": settings.SITE_URL + announcement.page,
        "personal_link": personal_link(signature, language=mail.language),
        "leaving": unsubscribe,
    }
    return rendering.build_message(
        announcement.email, to=address, language=mail.language, context=context,
        subject=run.subjects.get((EmailSubject.Of.UPDATE, mail.language), ""), unsubscribe=unsubscribe,
    )  # fmt: skip


def personal_link(signature: Signature, *, language: str) -> str:
    """Returns the address of the personal page, always on SITE_URL (never on the host of a request)."""
    with translation.override(language):
        return settings.SITE_URL + reverse("signature", args=[tokens.personal_token(signature.public_id)])
