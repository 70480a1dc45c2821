"""The forms of paper imports: the file, how it is read, and what its columns are taken for."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from campaign.models import Letter
from signatures.paper import columns, encodings, reading
from signatures.paper.columns import FIELDS, Columns
from signatures.paper.days import Order
from signatures.states import Visibility

SAMPLES = 3  # cells of each column
HEADING_CHOICES = 10  # lines that can hold the headings
LONGEST_SAMPLE = 60  # characters
ORDERS = {
    Order.DAY: "the day, then the month",
    Order.MONTH: "the month, then the day",
    Order.YEAR: "the year, then the month",
}
MEANINGS = [
    ("", "please choose"),
    (Visibility.PUBLIC, "public: on the website, too"),
    (Visibility.DELIVERY, "delivery: in the letter only"),
]


_ASKED = {"required": "Please choose."}


class PaperForm(forms.Form):
    letter = forms.ModelChoiceField(Letter.objects.published(), label="Letter")
    file = forms.FileField(
        label="File",
        help_text=f".xlsx, .ods, .xls or .csv, in any encoding. At most {reading.MAX_ROWS:,} lines and "
        f"{reading.MAX_BYTES // 1_000_000} megabytes.",
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.ods,.csv,.tsv,.txt"}),
    )


class ReadingForm(forms.Form):
    """How the file was read: what was detected is chosen, and can be changed."""

    def __init__(self, table: reading.Table, heading: int, data: Mapping[str, str] | None = None) -> None:
        super().__init__(data)
        if table.encoding:
            self._add("encoding", "Encoding", encodings.LABELS.items(), table.encoding)
            delimiters = [(name, name if name != "none" else "none: one column") for name in reading.DELIMITERS]
            found = next(name for name, sign in reading.DELIMITERS.items() if sign == table.delimiter)
            self._add("delimiter", "Between the cells", delimiters, found)
        elif len(table.sheets) > 1:
            self._add("sheet", "Sheet", [(name, name) for name in table.sheets], table.sheet)
        lines = [(number, f"line {number}") for number, _cells in table.rows[:HEADING_CHOICES]]
        if heading > lines[-1][0]:
            lines.append((heading, f"line {heading}"))
        self._add("heading", "Headings", [(columns.NO_HEADINGS, "there are none"), *lines], heading)

    def _add(self, name: str, label: str, choices: Any, initial: object) -> None:
        self.fields[name] = forms.ChoiceField(label=label, choices=list(choices), initial=initial)

    @property
    def choices(self) -> reading.Choices:
        chosen = dict(self.cleaned_data)
        chosen.pop("heading")
        return reading.Choices(**chosen)

    @property
    def heading(self) -> int:
        return int(self.cleaned_data["heading"])


class ColumnsForm(forms.Form):
    """What each column is taken for, and the questions that only people can answer.

    Attributes:
        columns: what was chosen, whether or not it is complete.
    """

    def __init__(self, table: reading.Table, initial: Columns, data: Mapping[str, str] | None = None) -> None:
        super().__init__(data)
        self.table, self.headings = table, columns.headings_of(table, initial.heading)
        options = [("", "— left out —"), *FIELDS.items()]
        for place, (heading, field) in enumerate(zip(self.headings, initial.fields, strict=True)):
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=heading, choices=options, initial=field, required=False
            )
        chosen = [self._value(f"column_{place}", field) for place, field in enumerate(initial.fields)]
        self.columns = Columns(initial.heading, [field if field in FIELDS else "" for field in chosen])
        self._ask(initial)

    def _value(self, name: str, initial: str) -> str:
        return str(self.data.get(name, "")) if self.is_bound else initial

    def _ask(self, initial: Columns) -> None:
        """Adds the questions that these columns raise."""
        if orders := columns.possible_orders(self.table, self.columns):
            example = "5/7/2013" if Order.YEAR not in orders else "05/07/13"
            self.fields["order"] = forms.ChoiceField(
                label=f"Dates such as {example} have first",
                error_messages=_ASKED,
                choices=[(order, ORDERS[order]) for order in orders],
                widget=forms.RadioSelect,
                initial=initial.order,
            )
        self.asked = columns.asked_visibilities(self.table, self.columns)
        for place, word in enumerate(self.asked):
            self.fields[f"visibility_{place}"] = forms.ChoiceField(
                label=f"“{word}” as visibility means",
                error_messages=_ASKED,
                choices=MEANINGS,
                initial=initial.visibilities.get(word, ""),
            )

    def clean(self) -> dict[str, Any]:
        if problem := columns.problem(self.columns.fields):
            raise forms.ValidationError(problem)
        return self.cleaned_data

    @property
    def chosen(self) -> Columns:
        """What staff chose; the form is valid."""
        order = self.cleaned_data.get("order") or columns.shown_order(self.table, self.columns)
        meanings = {word: self.cleaned_data[f"visibility_{place}"] for place, word in enumerate(self.asked)}
        return Columns(self.columns.heading, self.columns.fields, order, meanings)

    def rows(self) -> Iterator[tuple[forms.BoundField, list[str]]]:
        """Yields the field of each column with three of its cells."""
        below = [cells for number, cells in self.table.rows if number > self.columns.heading]
        for place in range(len(self.headings)):
            samples = [cells[place][:LONGEST_SAMPLE] for cells in below if cells[place]][:SAMPLES]
            yield self[f"column_{place}"], samples

    def questions(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if not name.startswith("column_")]
