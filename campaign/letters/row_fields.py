"""Form fields for rows and lines that a JSON column holds. Their buttons work without script: each posts the form."""

from typing import Any, cast

from django import forms
from django.forms.utils import ErrorDict
from django.urls import reverse

MAX_ROWS = 100
BUTTON = "_continue"  # the name of Django's own button that saves and stays; the value says what to do instead
PREVIEW = "preview"


class Column(forms.CharField):
    """A cell of each row. With `is_lines` it holds a list of lines."""

    def __init__(self, *, is_lines: bool = False, **options: Any) -> None:
        super().__init__(**options, required=False, max_length=1000 if is_lines else 200)
        self.is_lines = is_lines


SIGNATORY = {"name": Column(label="Name"), "titles": Column(label="Titles, one line each", is_lines=True)}
BOARD = {"name": Column(label="Name"), "office": Column(label="Office")}


class RowsWidget(forms.Widget):
    """Rows of text fields, each with buttons. Fields are named as Django names those of a formset."""

    template_name = "admin/campaign/rows.html"
    use_fieldset = True
    columns: dict[str, Column]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        """Returns the rows as they were typed, after what the pressed button does to them."""
        sent = [{key: data.get(f"{name}-{row}-{key}") for key in self.columns} for row in range(MAX_ROWS + 1)]
        rows = [
            {key: text or "" for key, text in row.items()} for row in sent if any(t is not None for t in row.values())
        ]
        target, *what = data.get(BUTTON, "").split(" ")
        return _pressed(rows, what, dict.fromkeys(self.columns, "")) if target == name else rows

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return f"{name}-TOTAL_FORMS" not in data

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        rows = [[(key, column, row.get(key, "")) for key, column in self.columns.items()] for row in value or []]
        empty = [(key, column, "") for key, column in self.columns.items()]
        return {**super().get_context(name, value, attrs), "rows": rows, "empty": empty}


def _pressed(rows: list[dict[str, str]], what: list[str], empty: dict[str, str]) -> list[dict[str, str]]:
    match what:
        case ["add"] if len(rows) < MAX_ROWS:
            return [*rows, empty]
        case ["remove", number] if number.isdecimal():
            return [row for at, row in enumerate(rows) if at != int(number)]
        case ["up" | "down" as way, number] if number.isdecimal():
            first = int(number) - (way == "up")
            if 0 <= first < len(rows) - 1:
                rows[first : first + 2] = rows[first + 1], rows[first]
    return rows


class RowsField(forms.Field):
    """A list of objects, one in each row. The first column is needed; rows without any word are dropped."""

    widget = RowsWidget

    def __init__(self, columns: dict[str, Column], **options: Any) -> None:
        super().__init__(**options, required=False)
        self.columns = cast("RowsWidget", self.widget).columns = columns

    def prepare_value(self, value: Any) -> list[dict[str, str]]:
        return [{key: _as_text(cell) for key, cell in row.items()} for row in value or []]

    def to_python(self, value: Any) -> list[dict[str, Any]]:
        rows, errors = [], []
        for number, typed in enumerate(value or [], start=1):
            try:
                row = {key: column.clean(typed.get(key)) for key, column in self.columns.items()}
            except forms.ValidationError as error:
                errors += [f"Row {number}: {message}" for message in error.messages]
                continue
            needed = next(iter(row))
            if any(row.values()) and not row[needed]:
                errors.append(f"Row {number}: please fill in “{self.columns[needed].label}”, or remove the row.")
            elif row[needed]:
                rows.append({key: _lines(text) if self.columns[key].is_lines else text for key, text in row.items()})
        if len(rows) > MAX_ROWS:
            errors.append(f"At most {MAX_ROWS} rows.")
        if errors:
            raise forms.ValidationError(errors)
        return rows


class PreviewedText(forms.Textarea):
    """A text with a preview: live where scripts run, else a button shows it."""

    template_name = "admin/campaign/previewed_text.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, {**(attrs or {}), "rows": 18, "class": "vLargeTextField"})
        return {**context, "address": reverse("admin:campaign_translation_preview")}


class LinesField(forms.CharField):
    """A list of lines."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})

    def prepare_value(self, value: Any) -> Any:
        return _as_text(value)

    def to_python(self, value: Any) -> Any:
        return _lines(super().to_python(value) or "")

    def validate(self, value: Any) -> None:
        """Nothing to check: no lines are allowed."""

    def run_validators(self, value: Any) -> None:
        super().run_validators("\n".join(value))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _as_text(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list) else value


class ButtonsForm(forms.BaseForm):
    """A form with buttons that only show it again: they move rows, or preview. Nothing is checked then, or saved."""

    def shows_again(self) -> bool:
        first = self.data.get(BUTTON, "").split(" ")[0] if self.is_bound else ""
        rows = {self.add_prefix(name) for name, field in self.fields.items() if isinstance(field, RowsField)}
        return first == PREVIEW or first in rows

    def full_clean(self) -> None:
        if self.shows_again():
            self._errors, self.cleaned_data = ErrorDict(), {}
        else:
            super().full_clean()

    def is_valid(self) -> bool:
        return not self.shows_again() and super().is_valid()
