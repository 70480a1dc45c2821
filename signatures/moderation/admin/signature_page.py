"""The page of one signature that waits: it is claimed as a page of the queue is, and a decision opens the next one."""

from typing import Any

from django.contrib import messages
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from campaign.letters.forms import as_id
from signatures.audit.admin_mixins import staff_id
from signatures.models import Signature, WaitingSignature
from signatures.moderation import page_claims
from signatures.moderation.admin.review import SignatureReviewAdmin
from signatures.states import State

UNFLAGGED = Case(When(flags=[], then=1), default=0)  # flagged signatures come first


class WaitingSignaturePage(SignatureReviewAdmin):
    ordering = (UNFLAGGED, "signed_up_at", "id")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """After a decision the next waiting signature opens, so that a queue can be worked through page by page."""
        if not self.has_moderate_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        by = staff_id(request)
        if request.method != "POST":
            is_claimed, as_of = page_claims.claim_one(as_id(object_id) or 0, by=by)
            context = {"as_of": as_of, **(extra_context or {})}
            page: HttpResponse = super().change_view(request, object_id, form_url, context)  # rendered later
            opened = getattr(page, "context_data", {}).get("original")
            if opened and _is_to_review(opened) and not is_claimed:
                self._name_reader(request, opened, by=by)
            return page
        shown: Any = self.get_object(request, object_id)
        response = super().change_view(request, object_id, form_url, extra_context)
        after = shown and self.get_object(request, object_id)
        if response.status_code != 302 or (after and _is_to_review(after)):
            return response
        following = shown and self._claim_next(shown, by=by)
        if not following:
            self.message_user(request, "Nothing else waits.")
            return redirect("admin:signatures_waitingsignature_changelist")
        return redirect("admin:signatures_waitingsignature_change", following)

    def _name_reader(self, request: HttpRequest, shown: Signature, *, by: int) -> None:
        if reader := page_claims.reader_of(shown.pk, by=by):
            text = f"This signature is being read by {reader.name} until {reader.until:%H:%M} UTC."
            self.message_user(request, text, messages.WARNING)

    def _claim_next(self, shown: Signature, *, by: int) -> int | None:
        """Claims the signature that comes after this one in the queue, or else its first one. Returns its id."""
        page_claims.keep_claims(by, shown.pk)
        for _try in range(page_claims.MAX_TRIES):  # a colleague may have claimed it at this moment
            found = self._next_waiting(shown, by=by)
            if found is None or page_claims.claim_one(found, by=by)[0]:
                return found
        return None

    def _next_waiting(self, shown: Signature, *, by: int) -> int | None:
        waiting = page_claims.without_claimed(WaitingSignature.objects.to_review(), by=by)
        others = waiting.exclude(pk=shown.pk).alias(unflagged=UNFLAGGED).order_by(*self.ordering)
        is_unflagged = 0 if shown.flags else 1
        later = others.filter(unflagged=is_unflagged, signed_up_at__gte=shown.signed_up_at)
        for rows in (later, others.filter(unflagged=1) if not is_unflagged else others, others):
            if (found := rows.values_list("pk", flat=True).first()) is not None:
                return int(found)
        return None


def _is_to_review(signature: Signature) -> bool:
    return signature.state == State.WAITING and not signature.is_put_aside
