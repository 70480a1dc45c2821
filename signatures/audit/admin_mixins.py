"""What staff may change: limits, subjects of mails, reasons for rejections, questions to signers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.http import HttpRequest

from campaign.letters.forms import ConflictCheckedForm
from signatures.audit import audit_log
from signatures.registries import AuditAction

# Fields whose values name nobody.
FIELDS_WITH_SAFE_VALUES = (
    forms.IntegerField,
    forms.BooleanField,
    forms.DateField,
    forms.DateTimeField,
    forms.ChoiceField,
)


class AuditedAdmin(admin.ModelAdmin):
    """Rows that staff may change; every change is a trail entry.

    It tells figures, days and choices before and after. What is written in words may hold a name: of that it tells only
    that it changed.
    """

    def letter_of(self, obj: Any) -> int | None:
        """The letter that this row belongs to, for the trail."""
        return None

    form: Any = ConflictCheckedForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit_log.record(
            AuditAction(f"set-{self.opts.model_name}"),
            staff_id=request.user.pk,
            letter_id=self.letter_of(obj),
            reason=self.figures(form)[:300],
            detail={"row": obj.pk},
        )

    def figures(self, form: Any) -> str:
        """What the trail tells of a change."""
        return ", ".join(_told(field, form) for field in form.changed_data)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        audit_log.record(
            AuditAction(f"remove-{self.opts.model_name}"),
            staff_id=request.user.pk,
            letter_id=self.letter_of(obj),
            detail={"row": obj.pk},
        )
        super().delete_model(request, obj)

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """One at a time: deleting in bulk would leave no entry for each."""
        actions = super().get_actions(request, action_location)
        actions.pop("delete_selected", None)
        return actions


def _told(field: str, form: Any) -> str:
    kind = form.fields[field]
    if isinstance(kind, forms.ModelChoiceField) or not isinstance(kind, FIELDS_WITH_SAFE_VALUES):
        return field
    return f"{field}: {form.initial.get(field, '-')} → {form.cleaned_data[field]}"


class ReadOnlyAdmin:
    """Rows that no hand adds, changes or deletes."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
