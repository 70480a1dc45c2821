"""What is stored about one person: the deliveries with receipts, and everything as a file."""

import logging
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

from django.http import HttpResponse, JsonResponse

from signatures.audit import audit_log
from signatures.delivery import receipts
from signatures.models import Delivery, DeliveryEntry, OutboxMail, Signature, SignerRequest, Submission
from signatures.registries import RejectionCode
from signatures.registries.typed_fields import TYPED_NAMES

log = logging.getLogger(__name__)

_STATE_FIELDS = ("state", "confirmed_at", "approved_on", "hidden_at", "on_evidence")


def deliveries(signature: Signature) -> Iterator[tuple[Delivery, receipts.Receipt | None]]:
    """Yields the deliveries with this signature, newest first, with their receipts; those of version 0.9 have none."""
    for entry in DeliveryEntry.objects.shown_to(signature):
        receipt = None
        try:
            receipt = receipts.issue(entry) if entry.delivery.has_statement else None
        except receipts.InvalidReceipt:
            log.error("the tree of delivery %s is inconsistent", entry.delivery_id)  # noqa: TRY400  no values in logs
        yield entry.delivery, receipt


def correction(signature: Signature) -> tuple[datetime, list[str]] | None:
    """Returns when staff corrected a typo, and what stood there before, as long as the signer can undo it."""
    request = SignerRequest.objects.correction_of(signature)
    if request is None or request.words is None or request.decided_at is None:
        return None
    before = [request.words[name] for name in request.CORRECTED if request.words[name] != getattr(signature, name)]
    return request.decided_at, before


def rejection(signature: Signature) -> RejectionCode:
    """Returns what the signer of a rejected signature is told. Own words of staff are not shown."""
    last = audit_log.last_transition(signature.pk)
    return RejectionCode(last.detail.get("told", RejectionCode.OTHER) if last else RejectionCode.OTHER)


def download(row: Signature | Submission) -> HttpResponse:
    """Everything that is stored, as a file. The reasons for a review are not part of it."""
    text = row.translation
    body = {
        "letter": row.letter.slug,
        "text": {"revision": text.revision.number, "language": text.language, "sha256": text.digest},
        **{name: getattr(row, name) for name in (*TYPED_NAMES, "language", "page_language", "signed_up_at")},
        "visibility": row.chosen_visibility,
        **_state(row),
        "keeps_address_for_updates": row.sealed_address is not None,
        "keeps_address_for_questions": row.question_address is not None,
        "mails": list(
            OutboxMail.objects.filter(signature_id=row.pk).order_by("pk").values("kind", "queued_at", "sent_at")
        ),
    }
    headers = {"Content-Disposition": 'attachment; filename="my-signature.json"'}
    return JsonResponse(body, headers=headers, json_dumps_params={"ensure_ascii": False, "indent": 2})


def _state(row: Signature | Submission) -> dict[str, object]:
    if isinstance(row, Submission):
        return {**dict.fromkeys(_STATE_FIELDS), "state": "unconfirmed", "deliveries": []}
    shown = [
        {"number": delivery.number, "state": delivery.state, "receipt": receipt and asdict(receipt)}
        for delivery, receipt in deliveries(row)
    ]
    return {**{name: getattr(row, name) for name in _STATE_FIELDS}, "deliveries": shown}
