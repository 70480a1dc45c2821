"""What the email service reports by webhook, through Anymail: mailboxes that take no email, and complaints (O24)."""

import logging
from datetime import UTC, datetime
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import URLPattern, path
from django.utils.module_loading import import_string

from signatures.models import Suppression
from signatures.outbox import suppressions
from signatures.values import sealing

log = logging.getLogger(__name__)

_UNDELIVERED = {EventType.BOUNCED, EventType.REJECTED}
_NO_MAILBOX = {RejectReason.INVALID, RejectReason.BOUNCED}  # of what is refused for another reason, the mailbox exists


def urls() -> list[URLPattern]:
    """Returns the address of the webhook, if a setting names the service."""
    if not settings.EMAIL_WEBHOOK_VIEW:
        return []
    view: Any = type("Webhook", (_Webhook, import_string(settings.EMAIL_WEBHOOK_VIEW)), {})
    return [path("email-events/", view.as_view(), name="email-events")]


class _Webhook(AnymailCoreWebhookView):  # type: ignore[misc]
    """Goes before the view of a service. What that cannot believe or read is answered with 400, and logged in a line.

    All events of a request are read before the first one counts.
    """

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            self.run_validators(request)
            events = [(event, _address_hash(event), _time(event)) for event in self.parse_events(request)]
        except Exception as error:  # noqa: BLE001  whatever a foreign parser raises about what a stranger sends
            log.warning("a report to the webhook of the email service is refused: %s", type(error).__name__)
            return HttpResponseBadRequest()
        for event, address_hash, at in events:
            if address_hash and (reason := _reason(event)):
                suppressions.suppress(address_hash, reason, at=at)
        return HttpResponse()


def _address_hash(event: AnymailTrackingEvent) -> bytes:
    return sealing.address_hash(event.recipient, pepper=settings.EMAIL_HASH_PEPPER) if event.recipient else b""


def _time(event: AnymailTrackingEvent) -> datetime | None:
    """Returns when it happened, if the service says so: without a zone, in UTC."""
    at = event.timestamp
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC) if at else None


def _reason(event: AnymailTrackingEvent) -> Suppression.Reason | None:
    """Returns why no emails must go to the address that an event is about, if they must not."""
    if event.event_type == EventType.COMPLAINED:
        return Suppression.Reason.COMPLAINT
    is_gone = event.event_type in _UNDELIVERED and event.reject_reason in _NO_MAILBOX
    return Suppression.Reason.BOUNCE if is_gone else None
