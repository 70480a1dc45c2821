"""The words of the mails. Renders; sends nothing."""

from collections.abc import Mapping
from email.utils import make_msgid
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation


def build_message(
    name: str,
    *,
    to: str,
    language: str,
    context: Mapping[str, Any],
    subject: str = "",
    unsubscribe: str = "",
) -> EmailMultiAlternatives:
    """The mail in the folder templates/emails/<name>/: a text part, an HTML part, and no signer's words in a header.

    A subject that is given stands in place of the one in the folder. `unsubscribe` is where one press of a button in
    the mail program ends such mails (RFC 8058).
    """
    with translation.override(language):
        ours, body, page = (
            render_to_string(f"emails/{name}/{part}", dict(context))
            for part in ("subject.txt", "body.txt", "body.html")
        )
    # Our own host: the name of this machine is nobody's business.
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": make_msgid(domain=settings.SITE.hostname)}
    if unsubscribe:
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    mail = EmailMultiAlternatives(
        " ".join((subject or ours).split()), body, to=[to], reply_to=_answers(), headers=headers
    )
    mail.attach_alternative(page, "text/html")
    return mail


def _answers() -> list[str]:
    """Where an answer goes: to the privacy contact, where that is an address."""
    try:
        validate_email(settings.CONTACT_EMAIL)
    except ValidationError:
        return []
    return [settings.CONTACT_EMAIL]
