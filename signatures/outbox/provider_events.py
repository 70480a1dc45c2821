"""What the email service reports by webhook, through Anymail: mailboxes that take no email, and complaints (O24)."""

from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.conf import settings
from django.dispatch import receiver
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

from signatures.models import Suppression
from signatures.outbox import suppressions

_UNDELIVERED = {EventType.BOUNCED, EventType.REJECTED}
_NO_MAILBOX = {RejectReason.INVALID, RejectReason.BOUNCED}  # of what is refused for another reason, the mailbox exists


def urls() -> list[URLPattern]:
    """Returns the address of the webhook, if a setting names the service."""
    if not settings.EMAIL_WEBHOOK_VIEW:
        return []
    return [path("email-events/", import_string(settings.EMAIL_WEBHOOK_VIEW).as_view(), name="email-events")]


@receiver(tracking, dispatch_uid="suppress-address")
def suppress_address(event: AnymailTrackingEvent, **_signal: Any) -> None:
    """Suppresses the address that an event is about, if it says that emails must not go there."""
    if not event.recipient:
        return
    if event.event_type == EventType.COMPLAINED:
        suppressions.suppress_address(event.recipient, Suppression.Reason.COMPLAINT, at=event.timestamp)
    elif event.event_type in _UNDELIVERED and event.reject_reason in _NO_MAILBOX:
        suppressions.suppress_address(event.recipient, Suppression.Reason.BOUNCE, at=event.timestamp)
