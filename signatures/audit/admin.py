"""The admin page of the audit log. It is read-only."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaign.letters.forms import as_id
from campaign.models import Letter
from signatures.audit.admin_mixins import CappedPaginator, LetterFilter, ReadOnlyAdmin, describe
from signatures.models import AuditEntry, Checkpoint
from signatures.registries import ActionGroup, AuditAction

MAX_ACCOUNTS = 100  # in the filter; any other account can be chosen by its id in the address


class ActionGroupFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(group.value, group.heading) for group in ActionGroup]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if self.value() not in ActionGroup:
            return queryset
        return queryset.filter(action__in=[action for action in AuditAction if action.group == self.value()])


class InputFilter(ABC, admin.SimpleListFilter):
    """A filter with an input field, because there are too many values to choose from."""

    template = "admin/signatures/auditentry/input_filter.html"
    input_type = "text"
    invalid_message: str = ""
    other_parameters: Iterable[tuple[str, Any]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        self.other_parameters = [item for item in request.GET.items() if item[0] not in {self.parameter_name, "p"}]
        return [("", "")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"without": changelist.get_query_string(remove=[self.parameter_name])}

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if not self.value():
            return queryset
        conditions = self.conditions()
        return queryset.none() if conditions is None else queryset.filter(**conditions)

    @property
    def problem(self) -> str:
        return self.invalid_message if self.value() and self.conditions() is None else ""

    @abstractmethod
    def conditions(self) -> dict[str, Any] | None:
        """Returns what the entries must meet; None if the typed value is not valid."""


class DayFilter(InputFilter):
    title = "day"
    parameter_name = "day"
    input_type = "date"
    invalid_message = "Please give a day like 2026-05-31."

    def conditions(self) -> dict[str, Any] | None:
        try:
            midnight = datetime.combine(date.fromisoformat(self.value() or ""), time(), UTC)
            return {"at__gte": midnight, "at__lt": midnight + timedelta(days=1)}
        except (ValueError, OverflowError):  # beyond the last day that Python knows
            return None


class SignatureFilter(InputFilter):
    title = "number of a signature"
    parameter_name = "signature"
    input_type = "number"
    invalid_message = "Please give the number of a signature."

    def conditions(self) -> dict[str, Any] | None:
        signature_id = as_id(self.value())
        return None if signature_id is None else {"signature_id": signature_id}


class StaffFilter(admin.SimpleListFilter):
    title = "staff"
    parameter_name = "staff"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        accounts = get_user_model().objects.filter(is_staff=True).order_by("username")[:MAX_ACCOUNTS]
        choices = [(str(pk), f"{name} ({pk})") for pk, name in accounts.values_list("pk", "username")]
        chosen = self.value()
        if chosen and chosen != "none" and chosen not in dict(choices):
            choices.append((chosen, chosen))  # an account that was deleted
        return [("none", "none: signers and the program"), *choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if not self.value():
            return queryset
        if self.value() == "none":
            return queryset.filter(staff_id=None)
        account = as_id(self.value())
        return queryset.none() if account is None else queryset.filter(staff_id=account)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("when", "description", "signature", "letter", "staff", "reason", "details", "in_checkpoint")
    list_display_links = ("when",)
    list_filter = (ActionGroupFilter, DayFilter, StaffFilter, LetterFilter, SignatureFilter)
    fields = ("when", "action", *list_display[1:])
    ordering = ("-at", "-id")  # as the indexes are sorted
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each facet would count all entries
    paginator = CappedPaginator

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.result_list = _with_display_data(request, list(changelist.result_list))
        return changelist

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Adds user names and slugs in the same statement: entries hold plain ids, not foreign keys."""
        name = get_user_model().objects.filter(pk=OuterRef("staff_id")).values("username")
        slug = Letter.objects.filter(pk=OuterRef("letter_id")).values("slug")
        entries: QuerySet[AuditEntry] = super().get_queryset(request)
        return entries.annotate(staff_name=Subquery(name), letter_slug=Subquery(slug))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        return entry and _with_display_data(request, [entry])[0]

    @admin.display(description="when (UTC)")
    def when(self, entry: AuditEntry) -> str:
        return f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="what")
    def description(self, entry: AuditEntry) -> str:
        return describe(entry)

    @admin.display(description="signature")
    def signature(self, entry: Any) -> SafeString | int | str:
        if entry.signature_id is None or not entry.may_view_signature:
            return entry.signature_id or "-"
        url = reverse("admin:signatures_signature_change", args=[entry.signature_id])
        return format_html('<a href="{}">{}</a>', url, entry.signature_id)

    @admin.display(description="letter")
    def letter(self, entry: Any) -> str:
        return str(entry.letter_slug or entry.letter_id or "-")

    @admin.display(description="staff")
    def staff(self, entry: Any) -> SafeString | str:
        """A deleted account is shown as a number."""
        if entry.staff_id is None:
            return "-"
        label = f"{entry.staff_name} ({entry.staff_id})" if entry.staff_name else str(entry.staff_id)
        url = reverse("admin:signatures_auditentry_changelist", query={"staff": entry.staff_id})
        return format_html('<a href="{}">{}</a>', url, label)

    @admin.display(description="details")
    def details(self, entry: AuditEntry) -> str:
        return ", ".join(f"{name}: {value}" for name, value in entry.detail.items()) or "-"

    @admin.display(description="in a checkpoint")
    def in_checkpoint(self, entry: Any) -> str:
        return "yes" if entry.pk <= entry.last_checked_entry else "not yet"


def _with_display_data(request: HttpRequest, entries: list[Any]) -> list[Any]:
    """Returns the entries with the last entry that a checkpoint covers, and whether the user may view signatures."""
    last_checked_entry = Checkpoint.objects.order_by("-pk").values_list("last_entry", flat=True).first() or 0
    may_view_signature = request.user.has_perm("signatures.view_signature")
    for entry in entries:
        entry.last_checked_entry, entry.may_view_signature = last_checked_entry, may_view_signature
    return entries
