"""What staff typed into a form that cannot be saved any more: shown beside what is stored, and never lost (A7).

A form that comes back with a message does this by itself. This is for every other answer to a save: a colleague has
published, closed or deleted the row meanwhile.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from signatures.values import html_forms

SAVE_BUTTONS = {"_save", "_continue", "_addanother"}
NOT_TYPED = ("-action", "select_across", "-id")  # the ends of the names of Django's own fields
ROW_IDS = ("object_id", "letter_id")  # the names of the row in the addresses of forms


def with_what_was_typed(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Returns the page with both texts, if the response refuses a save; else the response."""
    if not (_is_refused(request, response) and admin.site.has_permission(request)):
        return response
    sent = html_forms.without_empty({name: [str(text) for text in texts] for name, texts in request.POST.lists()})
    typed = {
        name: texts for name, texts in sent.items() if html_forms.is_for_people(name) and not name.endswith("_digest")
    }
    pages = _pages_of(request)
    row = _row_of(request, pages)
    context = {
        **admin.site.each_context(request),
        "title": "Not saved",
        "row": row,
        "fields": [field for name, texts in typed.items() if (field := _field(pages, row, name, texts))],
        "typed": typed,
        "anew": pages.begin_anew(row) if hasattr(pages, "begin_anew") and pages.has_add_permission(request) else None,
    }
    was_allowed = pages is not None and pages.has_change_permission(request)
    return render(request, "admin/refused_save.html", context, status=409 if was_allowed else response.status_code)


def _is_refused(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the answer to a save is an error, or leads away with a warning."""
    is_ours = getattr(request, "csrf_processing_done", False)  # what another site sent is never shown as typed here
    if request.method != "POST" or not is_ours or not SAVE_BUTTONS & request.POST.keys():
        return False
    told: Any = messages.get_messages(request)
    leads_away = 300 <= response.status_code < 400 and any(
        message.level >= messages.WARNING
        for message in told._queued_messages  # noqa: SLF001  those of this request alone
    )
    return leads_away or response.status_code in {403, 404}


def _pages_of(request: HttpRequest) -> Any:
    """Returns the admin of the form's rows; None if it has none."""
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    found = (
        admin.site.get_model_admin(model)
        for model in [*admin.site._registry]  # noqa: SLF001  there is no other list of them
        if name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_")
    )
    return next(found, None)


def _row_of(request: HttpRequest, pages: Any) -> Any:
    arguments = request.resolver_match.kwargs if request.resolver_match else {}
    row_id = next((str(arguments[name]) for name in ROW_IDS if name in arguments), None)
    row = pages.get_object(request, row_id) if pages and row_id else None
    return row if row is not None and pages.has_view_permission(request, row) else None


def _field(pages: Any, row: Any, name: str, texts: list[str]) -> dict[str, str] | None:
    """Returns what the page says of a field; None if it holds what is stored, or is none that people type into."""
    form_field = pages.form.base_fields.get(name) if pages else None
    if isinstance(form_field, forms.ModelChoiceField) or name.endswith(NOT_TYPED):
        return None
    try:
        column = pages.model._meta.get_field(name) if pages else None
    except FieldDoesNotExist:
        column = None
    typed, stored = ("\n".join(texts), str(getattr(row, name)) if row is not None and column is not None else "")
    if _plain(stored) == _plain(typed):
        return None
    in_rows = " ".join(str(int(part) + 1) if part.isdecimal() else part for part in name.replace("_", "-").split("-"))
    label = (form_field and form_field.label) or getattr(column, "verbose_name", in_rows)
    return {"label": str(label), "stored": _plain(stored), "typed": _plain(typed)}


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")
