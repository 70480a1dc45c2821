"""Audit entries about staff who look at signers, search, or ask for more than a page offers (threat model A9, A16)."""

from functools import cache
from typing import Any

from django.contrib import admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse

from signatures.audit import audit_log
from signatures.audit.admin_mixins import staff_id
from signatures.registries import AuditAction


class LoggedViews(admin.ModelAdmin):
    """Records each opened page of a signature before the response is sent."""

    def render_change_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if (signature := kwargs.get("obj")) is not None:
            audit_log.record_view(signature, by=staff_id(request), page=_page(self))
        return super().render_change_form(request, *args, **kwargs)


class ShownFiltersOnly(ChangeList):
    """A list that can be narrowed by the filters that it shows, and by no other column or comparison."""

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        if found[2]:  # what no filter of the page took from the query string
            raise DisallowedModelAdminLookup("The page shows no such filter.")
        return found


class LoggedLists(admin.ModelAdmin):
    """Records each search, and refuses and records each lookup that is no filter of the page.

    The admin site adds it to every page that is registered (`staff.admin_site`).
    """

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _with_shown_filters_only(super().get_changelist(request, **kwargs))  # type: ignore[arg-type]  # classes are hashable

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            response = super().changelist_view(request, extra_context)
        except DisallowedModelAdminLookup:
            audit_log.record(AuditAction.LOOKUP_REFUSED, staff_id=staff_id(request), detail={"page": _page(self)})
            raise
        # The response of an action, or of a query that was refused, shows no list.
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist is not None and changelist.query:
            audit_log.record_search(_page(self), changelist.result_count, by=staff_id(request))
        return response


@cache
def _with_shown_filters_only(changelist: type[ChangeList]) -> type[ChangeList]:
    return type(changelist.__name__, (ShownFiltersOnly, changelist), {})


def _page(model_admin: admin.ModelAdmin) -> str:
    return model_admin.opts.model_name or ""
