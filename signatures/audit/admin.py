"""The trail, to be read."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaign.models import Letter
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.models import AuditEntry, Checkpoint
from signatures.moderation.admin.pagination import CappedPaginator
from signatures.registries import ActionGroup, AuditAction, find_action

ACCOUNTS = 100  # of staff, that the filter offers; the number of any other stands in the address


def describe(entry: AuditEntry) -> str:
    """Returns the sentence of an entry, with the states before and after if it changed the state."""
    action = find_action(entry.action)
    sentence = action.sentence if action else entry.action
    return f"{sentence} {entry.was} → {entry.now}" if entry.now else sentence


class ActionGroupFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(group.value, group.heading) for group in ActionGroup]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if self.value() not in ActionGroup:
            return queryset
        return queryset.filter(action__in=[action for action in AuditAction if action.group == self.value()])


class TypedFilter(admin.SimpleListFilter):
    """A filter whose value is typed, because there are too many to choose from."""

    template = "admin/signatures/auditentry/typed.html"
    kind = "text"
    wrong: str | Promise = ""
    others: Iterable[tuple[str, Any]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        self.others = [item for item in request.GET.items() if item[0] not in {self.parameter_name, "p"}]
        return [("", "")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"without": changelist.get_query_string(remove=[self.parameter_name])}

    @property
    def problem(self) -> str | Promise:
        return self.wrong if self.value() and self.meant() is None else ""

    def meant(self) -> Any:
        raise NotImplementedError


class DayFilter(TypedFilter):
    title = "day"
    parameter_name = "day"
    kind = "date"
    wrong = "Please give a day like 2026-05-31."

    def meant(self) -> date | None:
        try:
            day = date.fromisoformat(self.value() or "")
        except ValueError:
            return None
        return day if day < date.max else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        day = self.meant()
        if day is None:
            return queryset.none() if self.value() else queryset
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return queryset.filter(at__gte=begin, at__lt=begin + timedelta(days=1))


class SignatureFilter(TypedFilter):
    title = "number of a signature"
    parameter_name = "signature"
    kind = "number"
    wrong = "Please give the number of a signature."

    def meant(self) -> int | None:
        value = self.value() or ""
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else None

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if self.meant() is None:
            return queryset.none() if self.value() else queryset
        return queryset.filter(signature_id=self.meant())


class StaffFilter(admin.SimpleListFilter):
    title = "staff"
    parameter_name = "staff"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        accounts = get_user_model().objects.filter(is_staff=True).order_by("username")[:ACCOUNTS]
        found = [(str(pk), f"{name} ({pk})") for pk, name in accounts.values_list("pk", "username")]
        asked = self.value()
        if asked and asked != "none" and asked not in dict(found):
            found.append((asked, asked))  # of somebody who is gone
        return [("none", "none: signers and the program"), *found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        asked = self.value()
        if asked == "none":
            return queryset.filter(staff_id=None)
        if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < 19):
            return queryset.none()
        return queryset.filter(staff_id=asked) if asked else queryset


class LetterNumberFilter(admin.SimpleListFilter):
    title = "letter"
    parameter_name = "letter"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(pk), slug) for pk, slug in Letter.objects.order_by("slug").values_list("pk", "slug")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        asked = self.value()
        if asked and asked not in dict(self.lookup_choices):
            return queryset.none()
        return queryset.filter(letter_id=asked) if asked else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("when", "happened", "of_signature", "of_letter", "of_staff", "reason", "more", "is_sealed")
    list_display_links = ("when",)
    list_filter = (ActionGroupFilter, DayFilter, StaffFilter, LetterNumberFilter, SignatureFilter)
    fields = ("when", "action", *list_display[1:])
    ordering = ("-at", "-id")  # as an index has them, for each filter
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would be a count of all entries
    paginator = CappedPaginator

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        found.result_list = _dressed(request, list(found.result_list))
        return found

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """With what its line shows of other rows, in the same statement: entries hold plain numbers."""
        name = get_user_model().objects.filter(pk=OuterRef("staff_id")).values("username")
        slug = Letter.objects.filter(pk=OuterRef("letter_id")).values("slug")
        found: QuerySet[AuditEntry] = super().get_queryset(request)
        return found.annotate(staff_name=Subquery(name), letter_slug=Subquery(slug))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        entry = super().get_object(request, object_id, from_field)
        return entry and _dressed(request, [entry])[0]

    @admin.display(description="when (UTC)")
    def when(self, entry: AuditEntry) -> str:
        return f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

    @admin.display(description="what")
    def happened(self, entry: AuditEntry) -> str:
        return describe(entry)

    @admin.display(description="signature")
    def of_signature(self, entry: Any) -> SafeString | int | str:
        if entry.signature_id is None or not entry.opens:
            return entry.signature_id or "-"
        address = reverse("admin:signatures_signature_change", args=[entry.signature_id])
        return format_html('<a href="{}">{}</a>', address, entry.signature_id)

    @admin.display(description="letter")
    def of_letter(self, entry: Any) -> str:
        return str(entry.letter_slug or entry.letter_id or "-")

    @admin.display(description="staff")
    def of_staff(self, entry: Any) -> SafeString | str:
        """Whose account is gone stays a number."""
        if entry.staff_id is None:
            return "-"
        shown = f"{entry.staff_name} ({entry.staff_id})" if entry.staff_name else str(entry.staff_id)
        address = reverse("admin:signatures_auditentry_changelist")
        return format_html('<a href="{}?staff={}">{}</a>', address, entry.staff_id, shown)

    @admin.display(description="more")
    def more(self, entry: AuditEntry) -> str:
        return ", ".join(f"{name}: {value}" for name, value in entry.detail.items()) or "-"

    @admin.display(description="sealed")
    def is_sealed(self, entry: Any) -> str | Promise:
        return "yes" if entry.pk <= entry.sealed_up_to else "not yet"


def _dressed(request: HttpRequest, entries: list[Any]) -> list[Any]:
    """The entries, each with whether it is sealed and its signature may be opened."""
    sealed = Checkpoint.objects.order_by("-pk").values_list("last_entry", flat=True).first() or 0
    opens = request.user.has_perm("signatures.view_signature")
    for entry in entries:
        entry.sealed_up_to, entry.opens = sealed, opens
    return entries
