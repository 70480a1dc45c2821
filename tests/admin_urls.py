"""The URLs of all admin pages, with valid arguments. A new page is found by itself."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from campaign.models import Letter
from signatures import tasks
from signatures.models import Signature

ARGUMENTS = {
    "form": "csv",
    "what": "make",
    "name": "tighten",
    "code": "rise",
    "kind": "app",
    "app_label": "signatures",
    "uidb64": "MQ",
    "token": "x-y",
    "content_type_id": 1,
    "object_id": 1,
    "step": "letterhead",
    "digest": "ab" * 32,
    "wanted": "erase",
}
OF_ROWS: dict[str, Any] = {"letter_id": Letter, "signature_id": Signature}


def admin_urls() -> Iterator[tuple[str, str]]:
    """Yields the name and the URL of every admin page."""
    patterns, _app, _name = admin.site.urls
    for pattern in _flat(patterns):
        if pattern.name:  # Django's catch-all and its old addresses of rows redirect
            keys = pattern.pattern.regex.groupindex.keys() | pattern.pattern.converters.keys()
            yield (
                pattern.name,
                reverse(f"admin:{pattern.name}", kwargs={key: _value(pattern.name, key) for key in keys}),
            )


def _flat(patterns: list[Any]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _flat(pattern.url_patterns)
        else:
            yield pattern


def _value(page: str, key: str) -> Any:
    """Returns an argument for the URL of a page: the id of an existing row where the page needs one."""
    if page == "signatures_alarm_letter_switch" and key == "name":
        return "pause"
    if page == "campaign_letter_decide" and key == "name":
        return "put-first"
    if key in OF_ROWS:
        row = OF_ROWS[key].objects.first()
        return row.pk if row else 1
    if page.startswith("signatures_delivery_") and key == "step":
        return "void"
    key = "object_id" if key in {"pk", "number"} else key
    for model in admin.site._registry:
        if key == "object_id" and page.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
            first = model._default_manager.first()
            return first.pk if first else 1
    return tasks.look_at_list.enqueue(_value(page, "letter_id"), "a4").id if key == "asked" else ARGUMENTS[key]


def ask(client: Client, method: str, address: str) -> Any:
    """Returns the response to a request whose effects are rolled back: no row, no cookie stays."""
    cookies = client.cookies.output(header="", sep="\r\n")
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before")  # by hand: no export begins inside an `atomic`
    answer: Any = client.generic(method, address, b"post=yes", content_type="application/x-www-form-urlencoded")
    if answer.streaming:
        answer.getvalue()  # closes its file
    with connection.cursor() as cursor:
        cursor.execute("ROLLBACK TO SAVEPOINT before")
    client.cookies.clear()
    client.cookies.load(cookies)
    return answer


def is_kept_out(answer: Any) -> bool:
    """Whether a response refuses access, or redirects to the login or the second factor."""
    if answer.status_code in {301, 302}:
        return answer["Location"].split("?")[0] in {
            "/admin/login/",
            "/admin/second-factor/",
            "/admin/second-factor/new/",
        }
    return bool(answer.status_code == 403)
