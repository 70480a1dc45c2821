"""The words of the mails. Renders; sends nothing."""

from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation


def message(name: str, *, to: str, language: str, context: Mapping[str, Any]) -> EmailMultiAlternatives:
    """The mail in the folder templates/emails/<name>/: a text part, an HTML part, and nobody's words in a header."""
    with translation.override(language):
        subject, body, page = (
            render_to_string(f"emails/{name}/{part}", dict(context))
            for part in ("subject.txt", "body.txt", "body.html")
        )
    mail = EmailMultiAlternatives(
        " ".join(subject.split()), body, to=[to], headers={"Auto-Submitted": "auto-generated"}
    )
    mail.attach_alternative(page, "text/html")
    return mail
