"""Staff forms that notice when another person saved the same row meanwhile (threat model A7)."""

import hashlib
from typing import Any, cast

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import QueryDict


class _LoadedDigestField(forms.CharField):
    def has_changed(self, initial: Any, data: Any) -> bool:
        """Returns False: the digest alone is no change by the user."""
        return False


class ConflictCheckedForm(forms.ModelForm[Model]):
    """Carries a digest of the row as it was when the form was shown, and refuses to overwrite a newer row."""

    loaded_digest = _LoadedDigestField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["loaded_digest"] = row_digest(self.instance)

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        loaded_digest = typed.get("loaded_digest")
        # The row stays locked until the change is saved: admin cleans and saves a form in one transaction.
        rows = type(self.instance)._base_manager.select_for_update().filter(pk=self.instance.pk)  # noqa: SLF001  documented
        current = rows.first() if loaded_digest and self.instance.pk else None
        if current is not None and loaded_digest != row_digest(current):
            data = cast("QueryDict", self.data).copy()
            data[self.add_prefix("loaded_digest")] = row_digest(current)  # sending it again overwrites knowingly
            self.data = data
            raise forms.ValidationError(self._conflict_message(current, typed))
        return typed

    def _conflict_message(self, current: Model, typed: dict[str, Any]) -> str:
        """Say who changed the row when, and the current value of each field that differs from what was typed."""
        kind = ContentType.objects.get_for_model(current)
        entries = LogEntry.objects.filter(content_type=kind, object_id=str(current.pk)).select_related("user")
        entry = entries.order_by("-action_time").first()
        user, time = (entry.user.get_username(), f"{entry.action_time:%H:%M}") if entry else ("-", "-")
        fields = [field for field in typed if field in self.initial and hasattr(current, field)]
        differing = [field for field in fields if getattr(current, field) != typed[field]]
        values = "; ".join(f"{self.fields[field].label}: {getattr(current, field)}" for field in differing) or "-"
        return (
            f"Somebody else ({user}) changed this at {time} (UTC) while you had it open. Nothing was saved. "
            f"The current values, where yours differ: {values}. Save again to replace them with yours."
        )


def row_digest(row: Model) -> str:
    """Returns a digest of all columns, by which a page notices that a row has changed since it was shown."""
    values = [(field.attname, field.value_from_object(row)) for field in row._meta.concrete_fields]
    return hashlib.sha256(repr(values).encode()).hexdigest()[:32]
