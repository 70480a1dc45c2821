"""Fill a form of a finished page with values that were sent before (threat model A20)."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import html

from campaign.runtime.regular_expressions import linear

CSRF_FIELD = "csrfmiddlewaretoken"
ADDS_UP = "-TOTAL_FORMS"  # the end of the name of the field in which Django counts the rows of a formset
COUNTS_ROWS = (ADDS_UP, "-INITIAL_FORMS", "-MIN_NUM_FORMS", "-MAX_NUM_FORMS")

# Hidden fields that tell what a page shows beside them: ids of rows, states or digests. With those of another page
# somebody would decide about what is not on this one.
TELL_WHAT_IS_SHOWN = {"shown", "seen"}

NEVER_FILLED = {"file", "password", "submit", "button", "image", "reset"}
NOT_TYPED = {*NEVER_FILLED, "hidden", "checkbox", "radio", "select"}

_ROW_NUMBER = linear(r"-(\d{1,3})-")  # of a form in a formset, after its prefix
_NOT_IN_XML = linear("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # lxml refuses these

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page after filling: whether it has the form, and the sent values that the form has no field for.

    A page that `shows_other` rows than the one that was sent is as it was. What was typed there is left over.
    """

    document: Any
    left_over: dict[str, list[str]]
    has_form: bool
    shows_other: bool = False

    def with_notice(self, notice: str) -> str:
        """Returns the page as text, with an element above its content."""
        for place in self.document.xpath("//*[@id='content-main'] | //*[@id='content'] | //body")[-1:]:
            place.insert(0, html.fragment_fromstring(notice))
        return str(html.tostring(self.document, encoding="unicode", doctype="<!DOCTYPE html>"))


def fill(page: str, *, address: str, path: str, values: Values) -> FilledPage:
    """Fill the form of a page that is sent to `path`. The page has the given address: path and query.

    Passwords, files and CSRF tokens are never filled in; nor is anything, if the page shows other rows by now.
    """
    document = html.document_fromstring(page)
    form = _find_form(document, address, path, values)
    if form is not None and _shows_other(form, values):
        typed = {control.get("name") for control in _controls(form) if _kind(control) not in NOT_TYPED}
        left_over = {name: list(sent) for name, sent in values.items() if name in typed}
        return FilledPage(document, without_empty(left_over), has_form=True, shows_other=True)
    left_over = {name: list(sent) for name, sent in values.items()}
    if form is not None:
        _add_rows(form, values)
        for name in dict.fromkeys(control.get("name") for control in _controls(form)):
            same_name = [control for control in _controls(form) if control.get("name") == name]
            left_over[name] = _fill_controls(same_name, values.get(name))
    return FilledPage(document, without_empty(left_over), has_form=form is not None)


def without_empty(values: Values) -> dict[str, list[str]]:
    """Returns the values that a person can have typed, by field."""
    filled = {name: [text for text in sent if text] for name, sent in values.items() if name != CSRF_FIELD}
    return {name: texts for name, texts in filled.items() if texts}


def is_for_people(name: str) -> bool:
    """Whether a field of this name holds what a person typed, and not a button of Django's or the count of its rows."""
    return not (name.startswith("_") or name.endswith(COUNTS_ROWS))


def _find_form(document: Any, address: str, path: str, values: Values) -> Any:
    """Returns the form that is sent to `path` and has most of the sent fields; None if no form is sent there."""

    def number_of_fields(form: Any) -> int:
        return len({control.get("name") for control in _controls(form)} & set(values))

    posted = (form for form in document.forms if form.get("method", "").lower() == "post")
    fitting = [form for form in posted if path in _targets(form, address)]
    return max(fitting, key=number_of_fields, default=None)


def _shows_other(form: Any, values: Values) -> bool:
    """Whether the page of this form shows other rows than the one that was sent."""

    def shown(name: str) -> set[str | None]:
        return {control.get("value") for control in _controls(form) if control.get("name") == name}

    return any(shown(name) != {*values[name]} for name in TELL_WHAT_IS_SHOWN & values.keys())


def _targets(form: Any, address: str) -> set[str]:
    """Returns the paths that a form can be sent to: its own, and those of its buttons."""
    actions = [form.get("action", ""), *filter(None, (control.get("formaction") for control in _controls(form)))]
    return {urlsplit(urljoin(address, action)).path for action in actions}


def _controls(form: Any) -> Iterator[Any]:
    """Yields the fields and buttons of a form, also those outside that name it."""
    yield from form.iter("input", "textarea", "select", "button")
    if form.get("id"):
        yield from form.getroottree().xpath("//*[@form=$id]", id=form.get("id"))


def _add_rows(form: Any, values: Values) -> None:
    """Add the rows of a formset that a script had added: copies of the empty row that Django puts into the page."""
    for counter in [control for control in form.iter("input") if (control.get("name") or "").endswith(ADDS_UP)]:
        prefix = counter.get("name").removesuffix(ADDS_UP)
        matches = (_ROW_NUMBER.match(name.removeprefix(prefix)) for name in values if name.startswith(prefix))
        sent = {int(match[1]) for match in matches if match}
        for empty in form.xpath(".//*[@id=$id]", id=f"{prefix}-empty"):
            for number in sorted(sent - set(range(int(counter.get("value"))))):
                empty.addprevious(_row(empty, number))


def _row(empty: Any, number: int) -> Any:
    row = deepcopy(empty)
    row.tail = None
    row.classes.discard("empty-form")
    for element in row.iter():
        for name, value in element.items():
            element.set(name, value.replace("__prefix__", str(number)))
    row.set("id", row.get("id").removesuffix("empty") + str(number))
    return row


def _fill_controls(controls: list[Any], sent: Sequence[str] | None) -> list[str]:
    """Fill the fields of one name, and return the values that they cannot hold.

    A choice that was not sent was not made. Other fields keep what the page has.
    """
    if controls[0].get("name") in {None, CSRF_FIELD}:
        return []
    waiting = [_NOT_IN_XML.sub("", text.replace("\r\n", "\n")) for text in sent or []]
    for control in controls:
        kind = _kind(control)
        if kind in NEVER_FILLED:
            return []
        if kind in {"checkbox", "radio"}:
            _choose(control, "checked", control.get("value", "on"), waiting)
        elif kind == "select":
            if sent is not None or control.get("multiple") is not None:
                for option in control.iter("option"):
                    _choose(option, "selected", option.get("value", option.text_content().strip()), waiting)
        elif waiting and kind == "textarea":
            control.text = f"\n{waiting.pop(0)}"  # HTML drops the first line break of a text area
        elif waiting:
            control.set("value", waiting.pop(0))
    return waiting


def _kind(control: Any) -> str:
    return str(control.get("type", "text").lower() if control.tag == "input" else control.tag)


def _choose(element: Any, attribute: str, value: str, waiting: list[str]) -> None:
    """Choose an option if its value is waiting, and take it from there; else choose it no longer."""
    element.attrib.pop(attribute, None)
    if value in waiting:
        waiting.remove(value)
        element.set(attribute, attribute)
