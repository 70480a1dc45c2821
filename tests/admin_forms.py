"""What a browser would send from a form of admin: the fields as the page has them, with these changes."""

from typing import Any

from django.test import Client
from lxml import html

ROW_FORMS = {"signatories": ("name", "titles"), "head_board": ("name", "office")}


def fields_of(answer: Any) -> dict[str, Any]:
    """Returns the fields of the form on a page, without its buttons and files."""
    document = html.document_fromstring(answer.content.decode())
    (form,) = [
        form for form in document.forms if (form.get("id") or "").endswith("_form") and form.get("id") != "logout-form"
    ]
    sent = {name: value.replace("\r\n", "\n").removeprefix("\n") for name, value in form.form_values()}
    return {**sent, "_continue": "Save and stay"}


def fill_in(client: Client, address: str, **changed: Any) -> dict[str, Any]:
    return fields_of(client.get(address)) | changed


def rows(name: str, *people: tuple[str, str]) -> dict[str, str]:
    """Returns the fields of these rows."""
    columns = ROW_FORMS[name]
    cells = {
        f"{name}-{number}-{column}": cell
        for number, person in enumerate(people)
        for column, cell in zip(columns, person, strict=True)
    }
    return cells | {f"{name}-TOTAL_FORMS": str(len(people))}
