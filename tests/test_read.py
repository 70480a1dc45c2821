"""A stranger reads: the letter, the count, the names, the figures; and nobody who did not choose it is shown."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign import middleware
from campaign.models import Letter
from signatures import views
from signatures.models import Audience, Signature, State
from tests.makers import make_many, make_signature

pytestmark = pytest.mark.django_db
LIST, API = "/letters/bridge/signatories/", "/api/v1/letters/bridge/"
PUBLIC = ["/", "/letters/bridge/", "/letters/bridge/check-mail/", LIST, "/letters/bridge/history/", "/privacy/", API]


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_letter_shows_the_count_the_goal_and_the_newest_names(
    client: Client, letter: Letter, ada: Signature
) -> None:
    make_signature(letter, "", visibility=Audience.COUNTED)
    page = text_of(client, "/")
    assert "<strong>2</strong> people have signed" in page.replace("\n", " ")
    assert "1000" in page.replace(",", "")
    assert "<progress" in page
    assert "Ada Lovelace" in page and "Countess" in page and "United Kingdom" in page


def test_the_api_gives_the_figures_to_every_site(client: Client, letter: Letter, ada: Signature) -> None:
    make_signature(letter, "", visibility=Audience.COUNTED)
    make_signature(letter, "Named in the delivery", visibility=Audience.DELIVERY)
    answer = client.get(API)
    body = json.loads(answer.content)
    today = timezone.now().date().isoformat()
    assert body == {
        "slug": "bridge", "title": "A letter to the Minister of Bridges", "recipient": "the Minister of Bridges", "state": "open",
        "count": 3, "named": 1, "goal": 1000, "revision": 1, "updated": today,
    }  # fmt: skip
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_the_list_goes_page_by_page_to_the_end_without_a_gap(client: Client, letter: Letter) -> None:
    make_many(letter, 120)
    for n, row in enumerate(Signature.objects.all()):
        Signature.objects.filter(pk=row.pk).update(approved_on=row.approved_on - timedelta(days=n % 3))
    seen: list[str] = []
    address = LIST
    while address:
        answer = client.get(address)
        seen += [row.name for row in answer.context["rows"]]
        address = f"{LIST}?{answer.context['following']}" if answer.context["following"] else ""
    assert len(seen) == len(set(seen)) == 120


def test_search_and_country_find_names(client: Client, letter: Letter, ada: Signature) -> None:
    make_signature(letter, "김철수", country="KR")
    assert "김철수" in text_of(client, f"{LIST}?q=철") and "Ada" not in text_of(client, f"{LIST}?q=철")
    assert "Ada Lovelace" in text_of(client, f"{LIST}?q=ANALYTICAL")
    assert "김철수" in text_of(client, f"{LIST}?country=KR") and "Ada" not in text_of(client, f"{LIST}?country=KR")
    assert "No public name here." in text_of(client, f"{LIST}?q=nobody")


@pytest.mark.parametrize("query", ["%", "_", "\\", "'", '";--', "%s", "\x00", "'; DROP TABLE x; --", "(?i)a", "a" * 41])
def test_S15_a_search_is_taken_by_the_letter(client: Client, ada: Signature, query: str) -> None:
    answer = client.get(LIST, {"q": query})
    assert answer.status_code in {200, 422}
    assert "Ada Lovelace" not in answer.content.decode() or answer.status_code == 422


@pytest.mark.parametrize("mark", ["x", "2026-01-01", "2026-01-01.zz", "\x00", "9" * 500, "2026-13-01." + "0" * 32])
def test_a_made_up_place_in_the_list_is_a_bad_request(client: Client, letter: Letter, mark: str) -> None:
    assert client.get(LIST, {"after": mark}).status_code == 400


def test_one_entry_has_an_address_of_its_own(client: Client, ada: Signature, cleo: Signature) -> None:
    answer = client.get(f"{LIST}{ada.public_id}/")
    assert "Ada Lovelace" in answer.content.decode()
    assert answer["X-Robots-Tag"] == "noindex"
    assert client.get(f"{LIST}{cleo.public_id}/").status_code == 404


def test_P1_only_approved_public_signatures_are_shown_anywhere(client: Client, letter: Letter) -> None:
    canaries = {}
    for state in State:
        for audience in Audience:
            canary = f"Canary-{state}-{audience}"
            row = make_signature(letter, canary, state, audience)
            if row.name:
                canaries[canary] = row
    for address in [*PUBLIC, f"{LIST}?q=Canary", *(f"{LIST}{row.public_id}/" for row in canaries.values())]:
        text = text_of(client, address)
        shown = {canary for canary in canaries if canary in text}
        assert shown <= {"Canary-approved-public"}, address
    assert "Canary-approved-public" in text_of(client, LIST)


def test_S14_what_is_stored_is_inert_wherever_it_is_shown(client: Client, admin_client: Client, letter: Letter) -> None:
    attack = "<img src=x onerror=alert(1)>\"'{{7*7}}{% load x %}"
    row = make_signature(letter, attack, role=attack, organisation=attack, comment=attack)
    for address in ("/", LIST, f"{LIST}{row.public_id}/"):
        page = text_of(client, address)
        assert "<img" not in page and "&lt;img" in page and "{{7*7}}" in page
    for address in ("/admin/signatures/signature/", f"/admin/signatures/signature/{row.pk}/change/"):
        assert "<img src=x" not in text_of(admin_client, address)


def test_a_hot_page_asks_the_database_nothing_and_a_miss_at_most_four_times(client: Client, ada: Signature) -> None:
    with CaptureQueriesContext(connection) as miss:
        cold = client.get("/")
    with CaptureQueriesContext(connection) as hit:
        hot = client.get("/")
    assert len(miss) <= 4
    assert len(hit) == 0
    assert hot.content == cold.content


def test_a_copy_is_renewed_after_three_seconds(client: Client, letter: Letter, monkeypatch: Any) -> None:
    client.get("/")
    make_signature(letter, "Newcomer")
    assert "Newcomer" not in text_of(client, "/")
    monkeypatch.setattr(middleware, "FRESH", 0.0)
    assert "Newcomer" in text_of(client, "/")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages_may_be_kept_and_set_no_cookie(client: Client, ada: Signature, address: str) -> None:
    answer = client.get(address)
    assert answer["Cache-Control"] == "public, max-age=5, stale-while-revalidate=25" or set(
        answer["Cache-Control"].split(", ")
    ) == {"max-age=5", "public", "stale-while-revalidate=25"}
    assert answer["Vary"] == "Accept-Encoding"
    assert not answer.cookies and "csrf" not in answer.content.decode()
    again = client.get(address, headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, headers={"accept-encoding": "gzip"})["Content-Encoding"] == "gzip"


def test_a_page_with_a_query_is_never_kept_in_the_process(client: Client, ada: Signature) -> None:
    client.get(f"{LIST}?q=Ada")
    Signature.objects.all().delete()
    assert "Ada Lovelace" not in text_of(client, f"{LIST}?q=Ada")


def test_no_moment_finer_than_a_day_and_no_running_number_is_public(client: Client, ada: Signature) -> None:
    for address in PUBLIC:
        text = text_of(client, address)
        assert ada.signed_up_at.strftime("%H:%M:%S") not in text
        assert f"{ada.signed_up_at:%H:%M}" not in text


def test_the_letter_can_be_read_while_the_database_is_down(client: Client, ada: Signature, monkeypatch: Any) -> None:
    client.get("/")

    def is_down(*_args: object) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(views, "_text", is_down)
    monkeypatch.setattr(middleware, "FRESH", 0.0)
    page = client.get("/")
    assert page.status_code == 200 and "We ask for" in page.content.decode()
    middleware.copies.clear()
    page = client.get("/")
    assert "Ada Lovelace" not in page.content.decode(), "without names after a minute"
    assert "Signing is not possible just now" in page.content.decode()
    client.raise_request_exception = False
    away = client.get(LIST)
    assert (away.status_code, away["Retry-After"]) == (503, "10")


def test_a_site_without_a_letter_says_so_calmly(client: Client, db: None) -> None:
    assert client.get("/").status_code == 404
