"""Staff who look at signers leave an entry in the trail (SECURITY.md A9)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from signatures.audit import audit_log


class LoggedViews(admin.ModelAdmin):
    """Each opened page of a signature, and each search, is in the trail before its first byte goes out."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            audit_log.record_view(obj, by=request.user.pk, page=self._page())
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        # A search that led elsewhere (a decision about what it found, a query that was refused) has no list to show.
        shown = (getattr(answer, "context_data", None) or {}).get("cl")
        if shown is not None and shown.query:
            audit_log.record_search(self._page(), shown.result_count, by=request.user.pk)
        return answer

    def _page(self) -> str:
        return self.opts.model_name or ""
