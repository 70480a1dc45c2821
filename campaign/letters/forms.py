"""Forms of staff: whoever sends one second is told, and overwrites nothing (SECURITY.md A7)."""

import hashlib
from typing import Any, cast

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import QueryDict


class _LoadedDigestField(forms.CharField):
    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never a change that somebody made."""
        return False


class ConflictCheckedForm(forms.ModelForm[Model]):
    """Carries a digest of the row as it stood when the form was made."""

    as_seen = _LoadedDigestField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["as_seen"] = _row_digest(self.instance)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        seen = found.get("as_seen")
        # Locked until the change is saved: admin cleans and saves a form in one transaction.
        rows = type(self.instance)._base_manager.select_for_update().filter(pk=self.instance.pk)
        standing = rows.first() if seen and self.instance.pk else None
        if standing is not None and seen != _row_digest(standing):
            again = cast("QueryDict", self.data).copy()
            again[self.add_prefix("as_seen")] = _row_digest(standing)  # whoever sends it again has been told
            self.data = again
            raise forms.ValidationError(self._told(standing, found))
        return found

    def _told(self, standing: Model, typed: dict[str, Any]) -> str:
        """Who changed it, and what stands there now in place of what was typed."""
        kind = ContentType.objects.get_for_model(standing)
        entries = LogEntry.objects.filter(content_type=kind, object_id=str(standing.pk)).select_related("user")
        entry = entries.order_by("-action_time").first()
        fields = [field for field in typed if field in self.initial and hasattr(standing, field)]
        differing = [field for field in fields if getattr(standing, field) != typed[field]]
        now = "; ".join(f"{self.fields[field].label}: {getattr(standing, field)}" for field in differing)
        said = {
            "who": entry.user.get_username() if entry else "-",
            "when": f"{entry.action_time:%H:%M}" if entry else "-",
            "now": now or "-",
        }
        return str(
            (
                "Somebody else (%(who)s) changed this at %(when)s (UTC) while you had it open. Nothing was saved. What "
                "stands there now in place of yours: %(now)s. Send it again to put yours there."
            )
            % said
        )


def _row_digest(row: Model) -> str:
    stands = [(field.attname, field.value_from_object(row)) for field in row._meta.concrete_fields]
    return hashlib.sha256(repr(stands).encode()).hexdigest()[:32]
