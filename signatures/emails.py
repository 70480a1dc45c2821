"""The words of the mails. Renders; sends nothing."""

from collections.abc import Mapping
from email.utils import make_msgid
from typing import Any

from django.conf import settings
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
    # Our own host: the name of this machine is nobody's business.
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": make_msgid(domain=settings.SITE.hostname)}
    mail = EmailMultiAlternatives(" ".join(subject.split()), body, to=[to], headers=headers)
    mail.attach_alternative(page, "text/html")
    return mail
