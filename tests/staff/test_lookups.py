"""What staff can ask the lists of admin: the filters they show, and searches, each of which is recorded."""

import html
import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from signatures.audit.view_log import LoggedLists
from signatures.models import AuditEntry, Signature
from tests.factories import make_letter

pytestmark = pytest.mark.django_db
PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def entries(action: str) -> list[dict[str, Any]]:
    return list(AuditEntry.objects.filter(action=action).values_list("detail", flat=True))


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_A16_a_list_takes_every_filter_that_it_shows(admin_client: Client, ada: Signature, model: Any) -> None:
    make_letter("tunnel")  # a filter with one choice is not shown
    page = admin_client.get(address(model)).content.decode()
    shown = [html.unescape(found) for found in re.findall(r'<li[^>]*>\s*<a href="(\?[^"]+)"', page)]
    assert shown or not admin.site._registry[model].list_filter
    for query in shown:
        assert admin_client.get(address(model) + query).status_code == 200, query
    assert entries("lookup-refused") == []


@pytest.mark.slow
@pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.label)
def test_A16_a_list_takes_no_other_lookup_and_records_the_attempt(
    admin_client: Client, admin_user: User, ada: Signature, model: Any
) -> None:
    assert isinstance(admin.site._registry[model], LoggedLists)
    of_filters = admin.site._registry[model].list_filter
    columns = [field.attname for field in model._meta.concrete_fields if field.name not in of_filters]
    tried = ["pk__gt", *(f"{column}__{lookup}" for column in columns for lookup in ("gte", "contains"))]
    for lookup in tried:
        answer = admin_client.get(address(model), {lookup: "1"})
        assert answer.status_code == 400, lookup
    assert entries("lookup-refused") == [{"page": model._meta.model_name}] * len(tried)
    assert set(AuditEntry.objects.filter(action="lookup-refused").values_list("staff_id", flat=True)) == {admin_user.pk}


@pytest.mark.parametrize(
    ("listed", "lookup"),
    [
        ("signatures/signature", "name__startswith=A"),
        ("signatures/signature", "sealed_address__isnull=1"),
        ("signatures/signature", "domains__contains=0123456789abcdef"),
        ("signatures/waitingsignature", "network__startswith=0"),
        ("auth/user", "password__startswith=a"),
        ("auth/user", "email__startswith=a"),
    ],
)
def test_A16_what_a_page_does_not_show_cannot_be_guessed_letter_by_letter(
    admin_client: Client, ada: Signature, listed: str, lookup: str
) -> None:
    assert admin_client.get(f"/admin/{listed}/?{lookup}").status_code == 400
    entry = AuditEntry.objects.get(action="lookup-refused")
    assert lookup.partition("=")[0] not in str(vars(entry))


def test_A16_a_lookup_behind_a_search_or_an_action_is_refused_too(admin_client: Client, ada: Signature) -> None:
    for data in ({}, {"action": "reject", "_selected_action": [ada.pk], "index": 0}):
        assert admin_client.post(f"{address(Signature)}?q=ada&name__startswith=A", data).status_code == 400
    ada.refresh_from_db()
    assert ada.state == "approved" and len(entries("lookup-refused")) == 2


def test_A9_A16_every_search_is_recorded_without_its_words(
    admin_client: Client, admin_user: User, ada: Signature
) -> None:
    searched = [model for model in PAGES if admin.site._registry[model].search_fields]
    assert {model._meta.model_name for model in searched} >= {"signature", "waitingsignature", "user"}
    for model in searched:
        assert admin_client.get(address(model), {"q": "lovelace"}).status_code == 200
    found = list(AuditEntry.objects.filter(action="search"))
    assert [entry.detail["page"] for entry in found[::-1]] == [model._meta.model_name for model in searched]
    assert "lovelace" not in str([vars(entry) for entry in found])


def test_A9_no_search_goes_by_way_of_autocompletion(admin_client: Client, ada: Signature) -> None:
    query = {"app_label": "signatures", "model_name": "outboxmail", "field_name": "signature", "term": "ada"}
    assert admin_client.get("/admin/autocomplete/", query).status_code == 404
