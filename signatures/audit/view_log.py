"""Audit entries about staff who look at signers (threat model A9)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from signatures.audit import audit_log
from signatures.audit.admin_mixins import staff_id


class LoggedViews(admin.ModelAdmin):
    """Records each opened page of a signature, and each search, before the response is sent."""

    def render_change_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if (signature := kwargs.get("obj")) is not None:
            audit_log.record_view(signature, by=staff_id(request), page=self._page())
        return super().render_change_form(request, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        # The response of an action, or of a query that was refused, shows no list.
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist is not None and changelist.query:
            audit_log.record_search(self._page(), changelist.result_count, by=staff_id(request))
        return response

    def _page(self) -> str:
        return self.opts.model_name or ""
