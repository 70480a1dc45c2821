"""The text of emails, from the folders in `templates/emails/`."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation

from campaign.letters.look import look_of
from campaign.letters.operators import operator_of
from campaign.models import Letter
from campaign.runtime.smtp import quoted


def build_message(
    name: str,
    *,
    to: str,
    language: str,
    context: Mapping[str, Any],
    letter: Letter | None = None,
    subject: str = "",
    unsubscribe: str = "",
) -> EmailMultiAlternatives:
    """Renders the email in `templates/emails/<name>/`: a text part and an HTML part. No header has a signer's words.

    Args:
        name: the name of the folder.
        to: the email address.
        language: the language that the templates are rendered in.
        context: what the templates need beside the name of the organization, its contact address and the colors. The
            text begins with `letter_title`, which is in `letter_language`.
        letter: what it is about. Its organization is the sender, and gets the answers. Without one, the site is.
        subject: replaces the subject in the folder.
        unsubscribe: the address at which one press of a button in the mail program ends such emails (RFC 8058).
    """
    operator = operator_of(letter)
    own = {"organization_name": operator.name, "contact_email": operator.contact, "look": look_of(letter)}
    with translation.override(language):
        default_subject, text, html = (
            str(render_to_string(f"emails/{name}/{part}", {**own, **context}))
            for part in ("subject.txt", "body.txt", "body.html")
        )
    if title := context.get("letter_title"):  # not in the subject, which a seized phone shows
        text = f"{title}\n\n{text}"
    headers = {"Auto-Submitted": "auto-generated"}
    if unsubscribe:
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    one_line_subject = " ".join((subject or default_subject).split())
    message = EmailMultiAlternatives(
        one_line_subject, text, operator.sender, [quoted(to)], reply_to=_reply_to(operator.contact), headers=headers
    )
    message.attach_alternative(html, "text/html")
    return message


def _reply_to(contact: str) -> list[str]:
    """Returns the contact address, or nothing if the contact is not an email address."""
    try:
        validate_email(contact)
    except ValidationError:
        return []
    return [contact]
