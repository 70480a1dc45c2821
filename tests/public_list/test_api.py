"""The JSON API: fields, caching, CORS, errors, and its documentation page."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.http.response import HttpResponseBase
from django.test import Client
from django.utils import timezone

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from campaign.web import middleware
from signatures.models import Signature
from signatures.states import Visibility
from tests.factories import WORDS, make_letter, make_signature

pytestmark = pytest.mark.django_db
API, PAGE = "/api/v1/letters/bridge/", "/letters/bridge/api/"


def is_open(answer: HttpResponseBase) -> bool:
    return answer["Access-Control-Allow-Origin"] == "*" and answer["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_every_site_can_read_exactly_these_fields(client: Client, letter: Letter, ada: Signature) -> None:
    make_signature(letter, "", visibility=Visibility.COUNTED)
    make_signature(letter, "Named in the delivery", visibility=Visibility.DELIVERY)
    answer = client.get(API, headers={"origin": "https://elsewhere.example"})
    today = timezone.now().date().isoformat()
    assert json.loads(answer.content) == {
        "slug": "bridge", "title": "A letter to the Minister of Bridges", "recipient": "the Minister of Bridges", "state": "open",
        "count": 3, "named": 1, "goal": 1000, "revision": 1, "updated": today,
    }  # fmt: skip
    assert is_open(answer) and not answer.cookies and "Origin" not in answer.get("Vary", "")


def test_an_unchanged_answer_is_not_sent_again(client: Client, letter: Letter, monkeypatch: Any) -> None:
    first = client.get(API)
    same = client.get(API, headers={"if-none-match": first["ETag"]})
    assert (same.status_code, same.content) == (304, b"") and is_open(same)
    assert "ETag" in same["Access-Control-Expose-Headers"], "or a script on another site cannot read it"
    monkeypatch.setattr(middleware, "FRESH_SECONDS", 0.0)
    make_signature(letter, "Newcomer")
    changed = client.get(API, headers={"if-none-match": first["ETag"]})
    assert changed.status_code == 200 and changed.json()["count"] == 1


def test_head_has_the_headers_and_no_body(client: Client, letter: Letter) -> None:
    answer = client.head(API)
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"", "application/json")
    assert is_open(answer)


def test_options_lists_the_allowed_methods_and_headers(client: Client, letter: Letter) -> None:
    asked = {"origin": "https://elsewhere.example", "access-control-request-headers": "if-none-match"}
    answer = client.options(API, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"") and is_open(answer)
    assert answer["Allow"] == answer["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert answer["Access-Control-Allow-Headers"] == "If-None-Match"


def test_the_title_is_the_english_one(client: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "다리 장관께 드리는 서한"}))
    assert client.get(API).json()["title"] == "A letter to the Minister of Bridges"
    assert "&quot;title&quot;: &quot;A letter to the Minister of Bridges&quot;" in text_of(client, f"/ko{PAGE}")


def test_without_an_english_text_the_title_is_the_authoritative_one(client: Client, db: None) -> None:
    letter = Letter.objects.create(slug="bridge", recipient="다리 장관")
    publish(revise(letter, "ko", {**WORDS, "title": "서한"}, authoritative=True))
    publish(revise(letter, "zh-hans", {**WORDS, "title": "信"}))
    answer = client.get(API)
    assert answer.json()["title"] == "서한" and "서한" in answer.content.decode(), "as it is written, not as codes"


@pytest.mark.parametrize("slug", ["nix", "draft"])
def test_an_unknown_letter_is_a_json_error(client: Client, db: None, slug: str) -> None:
    make_letter("draft", state=Letter.State.DRAFT)
    answer = client.get(f"/api/v1/letters/{slug}/")
    assert answer.status_code == 404 and answer.json() == {"error": "There is no such letter."} and is_open(answer)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods_are_a_json_error(client: Client, letter: Letter, method: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = getattr(strict, method)(API, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 405 and answer["Allow"] == "GET, HEAD, OPTIONS" and is_open(answer)
    assert list(answer.json()) == ["error"]


def test_an_unavailable_database_is_a_json_error(client: Client, letter: Letter, monkeypatch: Any) -> None:
    def away(*_: Any) -> None:
        raise OperationalError

    monkeypatch.setattr("signatures.counts.published", away)
    answer = client.get(API)
    assert (answer.status_code, answer["Retry-After"]) == (503, "10") and is_open(answer)
    assert list(answer.json()) == ["error"]


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_page_explains_every_field_and_shows_the_real_answer(
    client: Client, letter: Letter, ada: Signature
) -> None:
    page, answer = client.get(PAGE).content.decode(), client.get(API).json()
    for field in answer:
        assert f'<th scope="row"><code>{field}</code></th>' in page, field
    shown = page.split("<pre", 2)[2].split("<code>", 1)[1].split("</code>", 1)[0].replace("&quot;", '"')
    assert json.loads(shown) == answer and answer["count"] == 1
    assert f"GET http://localhost:8000{API}" in page
    assert '<a href="/letters/bridge/api/">' in text_of(client, "/letters/bridge/tell/")


def test_S14_a_title_is_escaped_in_answer_and_page(client: Client, letter: Letter) -> None:
    attack = "</code><script>alert(1)</script>\"'{{7*7}}"
    publish(revise(letter, "en", {**WORDS, "title": attack}, authoritative=True))
    answer = client.get(API)
    assert answer.json()["title"] == attack
    assert answer["Content-Type"] == "application/json" and answer["X-Content-Type-Options"] == "nosniff"
    page = text_of(client, PAGE)
    assert "<script>alert" not in page and "&lt;/code&gt;&lt;script&gt;alert(1)" in page and "{{7*7}}" in page
