"""Parameters that nobody reads change nothing and cost nothing (threat model S38)."""

import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from campaign.models import Letter
from campaign.web import middleware
from campaign.web.middleware import Middleware
from campaign.web.query_parameters import MAX_PARAMETERS, _declared
from signatures.models import Signature
from tests.processor_time import exceeds
from tests.test_everything import WITHOUT_LANGUAGE, fits, names_of

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"
ROUTES: list[dict[str, Any]] = [
    {},
    {"slug": "bridge"},
    {"slug": "bridge", "public_id": uuid.UUID(int=7)},
    {"slug": "bridge", "number": 1},
    {"token": "broken"},
    {"color": "7a1f1f"},
    {"digest": "0"},
]
DECLARED = {"signatories": {"q", "country", "order", "kind", "after", "before"}, "sitemap": {"p"}, "letters": {"page"}}


class RecordingMiddleware(Middleware):
    """Keeps the parameters with which views are called."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def process_view(self, request: HttpRequest, _view: Callable[..., Any], *_arguments: Any) -> None:
        self.seen.append(request.GET.dict())


@pytest.fixture
def seen(settings: Any) -> list[dict[str, Any]]:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.RecordingMiddleware"]
    RecordingMiddleware.seen.clear()
    return RecordingMiddleware.seen


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page grows old while a test runs."""
    monkeypatch.setattr(middleware, "FRESH_SECONDS", 3600.0)


def test_S38_declared_parameters_reach_the_view(client: Client, letter: Letter, seen: list[dict[str, Any]]) -> None:
    client.get(f"{LIST}?q=Ada&utm_source=x&order=name&kind=&country=FR")
    client.get(f"/ko{LIST}?%71=Ada&fbclid=x")
    assert seen == [{"q": "Ada", "order": "name", "country": "FR"}, {"q": "Ada"}]


def test_S38_the_next_page_of_a_search_is_still_found(client: Client, letter: Letter) -> None:
    answer = client.get(f"{LIST}?after=broken")
    assert answer.status_code == 400, "it reached the view, which says that the cursor is malformed"


@pytest.mark.parametrize("language", ["", "/ko"])
@pytest.mark.parametrize("name", names_of(get_resolver().url_patterns))
def test_S38_an_undeclared_parameter_never_reaches_a_view(
    client: Client, letter: Letter, seen: list[dict[str, Any]], name: str, language: str
) -> None:
    route = next(kwargs for kwargs in ROUTES if fits(name, kwargs))
    address = reverse(name, kwargs=route)
    if language and name in WITHOUT_LANGUAGE:
        return
    every = {*DECLARED["signatories"], *DECLARED["sitemap"], "x", "page", "next", "language", "format"}
    for method in (client.get, client.head, client.post):
        method(f"{language}{address}?" + "&".join(f"{each}=1" for each in sorted(every)))
    assert seen
    assert {parameter for call in seen for parameter in call} == DECLARED.get(name, set())


def test_S38_a_thousand_addresses_of_one_page_are_one_page(client: Client, ada: Signature, fresh: None) -> None:
    for address in ("/", LIST, "/letters/bridge/signatories/countries/", "/api/v1/letters/bridge/"):
        with CaptureQueriesContext(
            connection,
        ) as first:
            plain = client.get(address)
        assert plain.status_code == 200 and len(first) > 0
        pages = len(middleware.page_cache._pages)
        with CaptureQueriesContext(connection) as others:
            answers = {client.get(f"{address}?fbclid={n}&x{n}={n}&q=").content for n in range(1000)}
        assert answers == {plain.content}
        assert len(others) == 0, others.captured_queries[0]
        assert len(middleware.page_cache._pages) == pages


def test_S38_the_first_of_them_builds_the_page_for_all(client: Client, letter: Letter, fresh: None) -> None:
    first = client.get("/?fbclid=1")
    with CaptureQueriesContext(connection) as others:
        assert client.get("/").content == first.content
    assert len(others) == 0
    assert b"fbclid" not in first.content


def test_S38_many_parameters_are_not_looked_at(letter: Letter) -> None:
    query = "&".join(["x=1"] * 100_000) + "&q=Ada"
    assert _declared(LIST, query) == ""
    assert not exceeds(lambda: _declared(LIST, query), 0.01)
    assert _declared(LIST, "&".join(["x=1"] * (MAX_PARAMETERS - 1)) + "&q=Ada") == "q=Ada"


def test_S38_pages_of_admin_keep_their_parameters(moderator_client: Client, seen: list[dict[str, Any]]) -> None:
    moderator_client.get("/admin/signatures/signature/?state=waiting&o=1")
    assert seen[0] == {"state": "waiting", "o": "1"}


def test_S38_an_address_that_is_no_page_keeps_its_parameters(client: Client, letter: Letter) -> None:
    assert client.get("/letters/bridge/signatories?q=Ada")["Location"] == f"{LIST}?q=Ada"
