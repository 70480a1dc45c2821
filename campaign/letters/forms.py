"""Staff forms that notice when another person saved the same row meanwhile (threat model A7)."""

import hashlib
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, cast

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Manager, Model, QuerySet
from django.http import QueryDict
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html


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
            self.initial["loaded_digest"] = self.digest(self.instance)

    def digest(self, row: Model) -> str:
        """Returns a digest of all that the form may overwrite."""
        return row_digest(row)

    def stored_values(self, row: Model) -> dict[str, Any]:
        """Returns what the row holds of each field, as the form would clean it."""
        return {field: getattr(row, field) for field in self.fields if hasattr(row, field)}

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        current = self.overwritten_row(typed)
        if current is not None and typed.get("loaded_digest") != self.digest(current):
            self._ask_again("loaded_digest", self.digest(current))  # sending it again overwrites knowingly
            raise forms.ValidationError(self._conflict_messages(current, typed))
        return typed

    def overwritten_row(self, typed: dict[str, Any]) -> Model | None:
        """Returns the row that saving would overwrite, as it is stored; None if the form need not have shown it.

        The row stays locked until the change is saved: admin cleans and saves a form in one transaction. Rows that
        refer to it can be added meanwhile: two who change each other's accounts do not wait for one another for ever.
        """
        rows = type(self.instance)._base_manager.select_for_update(no_key=True).filter(pk=self.instance.pk)  # noqa: SLF001  documented
        return rows.first() if typed.get("loaded_digest") and self.instance.pk else None

    def _ask_again(self, name: str, answer: str) -> None:
        """Makes the form, sent again, say that this was read."""
        data = cast("QueryDict", self.data).copy()
        data[self.add_prefix(name)] = answer
        self.data = data

    def _conflict_messages(self, current: Model, typed: dict[str, Any]) -> list[str]:
        """Say who changed the row when, and the current value of each field that differs from what was typed."""
        kind = ContentType.objects.get_for_model(current)
        entries = LogEntry.objects.filter(content_type=kind, object_id=str(current.pk)).select_related("user")
        entry = entries.order_by("-action_time").first()
        user, time = (entry.user.get_username(), f"{entry.action_time:%H:%M}") if entry else ("-", "-")
        is_new = not self.instance.pk
        stored = {field: _listed(value) for field, value in self.stored_values(current).items() if field in typed}
        shown = [field for field in typed if field in stored and (is_new or field in self.initial)]
        differing = [field for field in shown if stored[field] != _listed(typed[field])]
        message = (
            f"Somebody else ({user}) changed this at {time} (UTC) while you had it open. Nothing was saved. "
            "The stored values, where yours differ, are below; yours are in the fields. Save again to replace them."
        )
        return [message, *(self._stored_value(field, stored[field]) for field in differing)]

    def _stored_value(self, field: str, value: Any) -> str:
        lines = [_as_words(each) for each in value] if isinstance(value, list) else [str(value)]
        text = linebreaksbr("\n".join(lines), autoescape=True)
        return format_html("{}, as it is stored:<br>{}", self.fields[field].label, text)


class KeptRows(forms.BaseInlineFormSet[Any, Any, Any]):
    """Rows of a form. What was typed into one that a colleague has deleted meanwhile comes back as a new row."""

    model: type[Model]

    def __init__(self, data: Any = None, *args: Any, **options: Any) -> None:
        super().__init__(data, *args, **options)
        self.deleted_meanwhile = False
        if data is None or not self.management_form.is_valid():
            return
        stored = {str(row.pk) for row in self.get_queryset()}
        for number in reversed(range(self.initial_form_count())):
            if data.get(f"{self.prefix}-{number}-{self.model._meta.pk.name}") not in stored:
                self.deleted_meanwhile = True
                self._make_new(number)

    def _make_new(self, number: int) -> None:
        """Move a row to where the new ones begin: Django expects those that are stored before them."""
        last, sent = self.initial_form_count() - 1, cast("QueryDict", self.data)
        places, data = {str(number): last, str(last): number}, sent.copy()
        parts = {name: name.removeprefix(f"{self.prefix}-").split("-", 1) for name in sent}
        moved = {name: row for name, row in parts.items() if len(row) == 2 and row[0] in places}
        for name in moved:
            del data[name]
        for name, (row, field) in moved.items():
            data.setlist(f"{self.prefix}-{places[row]}-{field}", sent.getlist(name))
        data[f"{self.prefix}-{last}-{self.model._meta.pk.name}"] = ""
        data[f"{self.prefix}-INITIAL_FORMS"] = str(last)
        self.data = data
        del self.management_form  # which has read the numbers

    def clean(self) -> None:
        super().clean()
        if self.deleted_meanwhile:
            raise forms.ValidationError(
                "A text that you had open was deleted meanwhile. Nothing was saved. Your words are below as a new "
                "text: save again to add it, or remove it."
            )


class AskingForm(ConflictCheckedForm):
    """Asks before it saves what cannot be taken back (DESIGN rule 4): it says what will happen, and is sent again."""

    read_digest = _LoadedDigestField(required=False, widget=forms.HiddenInput)

    def consequences(self, typed: dict[str, Any]) -> list[str]:
        """Returns a sentence for each change that cannot be taken back: of any form, rows ticked for deletion."""
        ticked = [name.removesuffix("-DELETE") for name in self.data if name.endswith("-DELETE")]
        stored = sorted(row for row in ticked if self.data.get(f"{row}-id"))
        return [self._deleted(self.data.get(f"{row}-language")) for row in stored]

    def _deleted(self, language: str | None) -> str:
        """Returns what is said of a row that goes: a text has a language, an image has none."""
        return f"The text in “{language}” is deleted for good." if language else "An image is deleted for good."

    def clean(self) -> dict[str, Any]:
        typed = super().clean()
        sentences = [] if self.errors else self.consequences(typed)
        if sentences and typed.get("read_digest") != _digest(sentences):
            self._ask_again("read_digest", _digest(sentences))
            raise forms.ValidationError([*sentences, "Nothing was saved yet. To do it, save again."])
        return typed


class ShownValuesForm(forms.Form):
    """Begins with values that are stored, and is no form of a row. Hidden fields say which ones the page showed.

    The action gets what was `shown`, and refuses when the stored values are others; `keep_typed` shows the form again.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in self.fields.keys() & self.initial.keys():
            self.fields[name].show_hidden_initial = True

    @property
    def shown(self) -> dict[str, str]:
        """Returns the values that the page showed, as they were sent."""
        fields = [name for name, field in self.fields.items() if field.show_hidden_initial]
        return {name: self.data.get(self.add_initial_prefix(name), "") for name in fields}

    def keep_typed(self, now: Mapping[str, str]) -> None:
        """Show what was typed anew and, of all other values, those that are stored now."""
        shown = self.shown
        data = {**self.data.dict(), **{self.add_initial_prefix(name): now[name] for name in shown}}  # type: ignore[attr-defined]
        self.data = data | {name: now[name] for name in shown if name not in self.changed_data}
        for name in shown:
            if now[name] != shown[name]:
                self.add_error(name, f"It was changed meanwhile, and is now: {now[name] or '(empty)'}")


def row_digest(row: Model, *names: str) -> str:
    """Returns a digest of these fields, by which a page notices that a row has changed since it was shown.

    Without names, of all columns.
    """
    fields: Any = [row._meta.get_field(name) for name in names] or row._meta.concrete_fields
    return _digest([(field.attname, _listed(getattr(row, field.attname))) for field in fields])


def _listed(value: Any) -> Any:
    """Returns the related rows of a field that holds several, in one order; any other value as it is."""
    if isinstance(value, Manager):
        value = value.all()
    return sorted(value, key=attrgetter("pk")) if isinstance(value, QuerySet) else value


def _as_words(value: Any) -> str:
    """Returns a row or a line of a JSON column as a person reads it."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [str(value)]
    return ", ".join(part if isinstance(part, str) else _as_words(part) for part in parts if part)


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:32]


def as_id(value: str | None) -> int | None:
    """Returns the id that a query parameter or a hidden field holds; None if it is not a number that can be an id."""
    return int(value) if value and value.isascii() and value.isdecimal() and len(value) < 19 else None
