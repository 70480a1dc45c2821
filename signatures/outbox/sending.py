"""The due mails out of the outbox, one by one, in the worker."""

import logging
import smtplib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from nacl.public import PrivateKey

from signatures.models import EmailSubject, OutboxMail, Signature
from signatures.outbox import rendering, topics
from signatures.registries import AlarmCode
from signatures.screening import rate_limits
from signatures.states import State
from signatures.values import email_addresses, sealing, tokens

Subjects = Mapping[tuple[str, str], str]  # by mail and language

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12  # attempts; with the waits below some three days
MAX_WAIT = timedelta(hours=12)
BUDGET_WAIT = timedelta(minutes=1)  # how long a mail waits whose domain got enough for now


def send_due(*, limit: int = 500) -> int:
    """Send the mails that are due over one connection, within the budgets of `limits`; how many went.

    Those to staff go first and spend no budget: an alarm that the mails pile up must not wait behind them.

    Each is locked, sent and marked in a transaction of its own: whoever dies in between sends one mail twice at most,
    and none is lost (at least once).

    Raises:
        OSError: when the private key's file cannot be read.
    """
    if not _due().exists():
        return 0
    private_key = sealing.read_private_key(Path(settings.OUTBOX_PRIVATE_KEY_FILE))
    subjects = {(row.mail, row.language): row.subject for row in EmailSubject.objects.all()}
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


def _due() -> QuerySet[OutboxMail]:
    return OutboxMail.objects.filter(recipient__isnull=False, due_at__lte=timezone.now())


@transaction.atomic
def _send_next(
    due: QuerySet[OutboxMail], outgoing: BaseEmailBackend, private_key: PrivateKey, subjects: Subjects
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
        address = sealing.unseal(mail.recipient or b"", private_key=private_key)
    except sealing.CannotUnseal:
        return _mark(mail, "final: sealed to another key")
    if mail.signature is None:
        return _send_to_staff(mail, address, outgoing)
    message = _message(mail, mail.signature, address, subjects)
    if message is None:
        mail.delete()
        return False
    return _send_within_budget(mail, message, email_addresses.domain_of(address), outgoing)


def _send_within_budget(
    mail: OutboxMail, message: EmailMultiAlternatives, domain: str, outgoing: BaseEmailBackend
) -> bool | None:
    over = rate_limits.count_event({"mail": "", "mail-domain": domain}).over
    if "mail" in over:
        return None
    if over:
        mail.due_at = timezone.now() + BUDGET_WAIT
        mail.save(update_fields=["due_at"])
        return False
    return _mark(mail, _try(message, outgoing))


def _send_to_staff(mail: OutboxMail, address: str, outgoing: BaseEmailBackend) -> bool:
    """Send it, unless the account is closed or has another address by now."""
    person = User.objects.filter(pk=mail.staff_id or 0, is_active=True, email=address).first()
    if person is None:
        mail.delete()
        return False
    context = {
        "link": settings.SITE_URL + reverse("admin:index")
        if mail.kind == OutboxMail.Kind.ALARM
        else password_link(person),
        "sentence": AlarmCode(mail.topic).email_sentence if mail.topic in AlarmCode else "",
        "organization_name": settings.ORGANIZATION_NAME,
        "contact_email": settings.CONTACT_EMAIL,
    }
    message = rendering.build_message(mail.kind, to=address, language=mail.language, context=context)
    return _mark(mail, _try(message, outgoing))


def password_link(person: User) -> str:
    """Where a member of staff sets a password, once and within `PASSWORD_RESET_TIMEOUT`. Nothing of it is stored."""
    whose = urlsafe_base64_encode(force_bytes(person.pk))
    return settings.SITE_URL + reverse("admin:set_password", args=[whose, default_token_generator.make_token(person)])


def _is_pointless(mail: OutboxMail, signature: Signature) -> bool:
    """A reminder once it is confirmed, or when a link went there in the last day; an update that nobody wants."""
    if mail.kind == OutboxMail.Kind.UPDATE:
        return signature.sealed_address is None
    lately = OutboxMail.objects.filter(signature=signature, sent_at__gt=timezone.now() - timedelta(days=1))
    return mail.kind == OutboxMail.Kind.REMINDER and (signature.state != State.UNCONFIRMED or lately.exists())


def _mark(mail: OutboxMail, failure: str) -> bool:
    """Write down what became of an attempt; whether the mail went."""
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


def _message(mail: OutboxMail, signature: Signature, address: str, subjects: Subjects) -> EmailMultiAlternatives | None:
    """Which mail it is, is decided when it goes: who confirmed meanwhile is told so."""
    if mail.kind == OutboxMail.Kind.UPDATE:
        return _update(mail, signature, address, subjects)
    is_kept = signature.state == State.UNCONFIRMED or mail.kind == OutboxMail.Kind.QUESTION
    name = mail.kind if is_kept else "already"
    context = {
        "link": personal_link(signature, language=mail.language),
        "organization_name": settings.ORGANIZATION_NAME,
        "contact_email": settings.CONTACT_EMAIL,
    }
    return rendering.build_message(
        name, to=address, language=mail.language, context=context, subject=subjects.get((name, mail.language), "")
    )


def _update(mail: OutboxMail, signature: Signature, address: str, subjects: Subjects) -> EmailMultiAlternatives | None:
    """What became of the letter, with the link to the page that everybody may read; None when it is not there."""
    with translation.override(mail.language):
        told = topics.resolve(mail.topic)
        leaving = settings.SITE_URL + reverse("unsubscribe", args=[tokens.unsubscribe_token(signature.public_id)])
    if told is None:
        return None
    context = {
        **told.context,
        "link": settings.SITE_URL + told.page,
        "personal_link": personal_link(signature, language=mail.language),
        "leaving": leaving,
        "organization_name": settings.ORGANIZATION_NAME,
        "contact_email": settings.CONTACT_EMAIL,
    }
    return rendering.build_message(
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
        return settings.SITE_URL + reverse("signature", args=[tokens.personal_token(signature.public_id)])
