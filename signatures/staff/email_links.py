"""Links in emails to staff. `outbox.sending` makes them when it sends, so that no token is stored."""

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from signatures.models import OutboxMail
from signatures.outbox import messages


def password_link(person: User) -> str:
    """Returns the address where an account sets its password, once and within `PASSWORD_RESET_TIMEOUT`."""
    account = urlsafe_base64_encode(force_bytes(person.pk))
    return settings.SITE_URL + reverse("admin:set_password", args=[account, default_token_generator.make_token(person)])


def admin_link(person: User) -> str:
    """Returns the address of admin's first page."""
    return settings.SITE_URL + reverse("admin:index")


def register() -> None:
    """Called once, at start."""
    messages.staff_links.update(
        {
            OutboxMail.Kind.INVITE: password_link,
            OutboxMail.Kind.RESET: password_link,
            OutboxMail.Kind.ALARM: admin_link,
            OutboxMail.Kind.FACTOR_RESET: admin_link,
        }
    )
