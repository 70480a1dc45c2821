"""The text of emails, from the folders in `templates/emails/`."""

import email.policy
from collections.abc import Mapping
from email.policy import EmailPolicy
from typing import Any

from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext

from campaign.letters.look import look_of
from campaign.letters.operators import operator_of
from campaign.models import Letter
from campaign.runtime.smtp import quoted

MAX_LINE = 998  # characters (RFC 5322)


class PlainHeaders(EmailPolicy):
    """Writes every header that is ASCII as it is, never as an encoded word.

    Python folds at 78 characters, and makes an encoded word of a longer one, such as the address in `List-Unsubscribe`,
    or a recipient. No mail program reads an address in it.
    """

    def fold(self, name: str, value: Any) -> str:
        folded, line = super().fold(name, value), f"{name}: {value}"
        return f"{line}{self.linesep}" if "=?" in folded and line.isascii() and len(line) <= MAX_LINE else folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii")


class Message(EmailMultiAlternatives):
    def message(self, *, policy: Any = email.policy.default) -> Any:
        return super().message(policy=PlainHeaders(linesep=policy.linesep))


def subject_line(name: str, letter: Letter | None, title: str, *, chosen: str = "") -> str:
    """Returns the subject of an email in the active language.

    Args:
        name: the name of the folder in `templates/emails/`.
        letter: what it is about. The organizer chose whether its title is in subjects, which a seized phone shows.
        title: the title of the letter.
        chosen: what staff chose in place of the subject in the folder.
    """
    subject = " ".join((chosen or render_to_string(f"emails/{name}/subject.txt")).split())
    if letter is None or not letter.names_itself_in_subjects:
        return subject
    return gettext("%(subject)s: %(title)s") % {"subject": subject, "title": title}


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
        context: what the templates need beside the name of the organization, its contact address and the colors.
            `letter_title` is in `letter_language`.
        letter: what it is about. Its organization is the sender, and gets the answers. Without one, the site is.
        subject: replaces the subject in the folder.
        unsubscribe: the address at which one press of a button in the mail program ends such emails (RFC 8058).
    """
    operator = operator_of(letter)
    own = {"organization_name": operator.name, "contact_email": operator.contact, "look": look_of(letter)}
    with translation.override(language):
        text, html = (
            str(render_to_string(f"emails/{name}/{part}", {**own, **context})) for part in ("body.txt", "body.html")
        )
        one_line_subject = subject_line(name, letter, context.get("letter_title", ""), chosen=subject)
    headers = {"Auto-Submitted": "auto-generated"}
    if unsubscribe:
        headers |= {"List-Unsubscribe": f"<{unsubscribe}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    paragraphs = "\n\n".join(part.strip() for part in text.split("\n\n") if part.strip())
    message = Message(
        one_line_subject,
        f"{paragraphs}\n",
        operator.sender,
        [quoted(to)],
        reply_to=_reply_to(operator.contact),
        headers=headers,
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
