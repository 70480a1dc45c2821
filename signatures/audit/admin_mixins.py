"""Building blocks of admin pages: the acting user, audited and read-only rows, list filters, cheap pagination."""

import json
from functools import cached_property
from operator import attrgetter
from typing import Any, cast, override

from django import forms
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from campaign.letters.forms import ConflictCheckedForm, as_id
from campaign.models import Letter
from signatures.audit import audit_log
from signatures.models import AuditEntry
from signatures.registries import AuditAction, find_action

FILTER_CACHE_SECONDS = 300

# Fields whose values name nobody, so that the audit log may hold them.
FIELDS_WITH_SAFE_VALUES = (
    forms.IntegerField,
    forms.BooleanField,
    forms.DateField,
    forms.DateTimeField,
    forms.ChoiceField,
)


def staff_id(request: HttpRequest) -> int:
    """Returns the account id of the acting user. For admin pages, which only staff can open."""
    return cast("int", request.user.pk)


def describe(entry: AuditEntry) -> str:
    """Returns the sentence of an audit entry, with the states before and after if it changed the state."""
    action = find_action(entry.action)
    sentence = action.sentence if action else entry.action
    return f"{sentence} {entry.was} → {entry.now}" if entry.now else sentence


class AuditedAdmin(admin.ModelAdmin):
    """Rows that staff may change; every change is an audit entry.

    The entry holds numbers, days and choices before and after. Of a text field it holds only the name of the field,
    because the text may contain a person's name.
    """

    form: Any = ConflictCheckedForm
    letter_id_path = ""  # from a row to the id of the letter that it belongs to, for the audit entry

    def record(self, request: HttpRequest, action: AuditAction, obj: Any, reason: str = "") -> None:
        """Write an audit entry about this row."""
        audit_log.record(
            action,
            staff_id=staff_id(request),
            letter_id=attrgetter(self.letter_id_path)(obj) if self.letter_id_path else None,
            reason=reason[:300],
            detail={"row": obj.pk},
        )

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.record(request, AuditAction(f"set-{self.opts.model_name}"), obj, self.describe_changes(form))

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Record each row of an inline that was added, changed or removed: a text by its language."""
        super().save_formset(request, form, formset, change)
        kind = formset.model._meta.model_name
        for text in (*formset.new_objects, *(text for text, _fields in formset.changed_objects)):
            self.record(request, AuditAction(f"set-{kind}"), form.instance, getattr(text, "language", ""))
        for text in formset.deleted_objects:
            self.record(request, AuditAction(f"remove-{kind}"), form.instance, getattr(text, "language", ""))

    def describe_changes(self, form: Any) -> str:
        """Returns the changed fields, with the values that the audit log may hold."""
        return ", ".join(_describe_change(field, form) for field in form.changed_data)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, AuditAction(f"remove-{self.opts.model_name}"), obj)
        super().delete_model(request, obj)

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """Rows are deleted one at a time, because deleting in bulk would not write an entry for each."""
        actions = super().get_actions(request, action_location)
        actions.pop("delete_selected", None)
        return actions


def _describe_change(name: str, form: Any) -> str:
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField) or not isinstance(field, FIELDS_WITH_SAFE_VALUES):
        return name
    return f"{name}: {form.initial.get(name, '-')} → {form.cleaned_data[name]}"


class ReadOnlyAdmin:
    """Rows that nobody adds, changes or deletes by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LetterFilter(admin.SimpleListFilter):
    title = "letter"
    parameter_name = "letter"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return cache.get_or_set("admin-filter-letters", _letter_choices, FILTER_CACHE_SECONDS) or []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        letter_id = as_id(self.value())
        return queryset.none() if letter_id is None else queryset.filter(letter_id=letter_id)


def _letter_choices() -> list[tuple[str, str]]:
    return [(str(pk), slug) for pk, slug in Letter.objects.order_by("slug").values_list("pk", "slug")]


class CappedPaginator(Paginator):
    """Counts exactly only up to a limit and only where that is cheap; otherwise takes the planner's estimate.

    Counting a few among a million rows without an index would take longer than the page itself.
    """

    MAX_COUNTED = 10_000
    MAX_COST = 12_000.0  # in the planner's units: about fifty milliseconds; reached beyond some hundred thousand rows

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        counted = rows.order_by().values("pk")[: self.MAX_COUNTED]
        explained = counted.explain(format="json")
        if not explained:  # an empty queryset runs no statement
            return 0
        plan = json.loads(explained)[0]["Plan"]
        return int(plan["Plan Rows"]) if plan["Total Cost"] > self.MAX_COST else counted.count()
