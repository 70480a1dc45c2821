"""The thread that answers everybody: no request keeps it for more than a moment (threat model S36)."""

import re
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver

from campaign.models import Letter
from campaign.web import page_cache, request_head
from campaign.web.middleware import page_cache as cached_pages
from campaign.web.server import Application
from signatures.models import Signature
from signatures.staff import known_browsers
from signatures.values import tokens
from tests.web.asgi_calls import answering, ask, run, scope, serving

LIMIT = 0.002  # seconds of one processor for the longest head; none takes half of it, and each of these took 20 to 70
LOGIN = f"/{settings.ADMIN_PATH}login/".encode()

FILLINGS = [
    b"\xff", b"%FF", b"%C3", b"%2F", b"a", b";", b'";', b'";"', b'\\"', b";a=b", b';a="', b";*=", b",", b"a,", b"q=0,", b"=", b"&", b"&a=", b" ",
    b"\t", b"+", b"1.", b":", b"[", b"/", b"a=b; ", b";a*=u'x'%FF", b'a="',
]  # fmt: skip
HEADERS = [
    b"content-type", b"content-length", b"cookie", b"accept-encoding", b"accept-language", b"host", b"if-none-match", b"if-match",
    b"if-modified-since", b"if-unmodified-since", b"x-forwarded-for", b"x-forwarded-proto", b"range", b"origin", b"referer", b"user-agent",
]  # fmt: skip


def filled(filling: bytes, length: int, before: bytes = b"") -> bytes:
    return (before + filling * length)[:length]


def longest_heads(filling: bytes) -> Iterator[dict[str, Any]]:
    """The longest heads that are not refused, with one part made of this."""
    for before in (b"/", b"/de/", b"/letters/", b"/signature/"):
        yield scope(filled(filling, request_head.MAX_PATH, before))
    for before in (b"", b"q=", b"after="):
        yield {**scope(b"/letters/x/signatories/"), "query_string": filled(filling, 16_000, before)}
    for name in HEADERS:
        for before in (b"", b"text/plain", b'a/b;c="', b'known_browser="'):
            for length in (8_192, 1_024, 256):
                yield scope(LOGIN, headers=[(name, filled(filling, length, before))])
                yield scope(LOGIN, "POST", [(name, filled(filling, length // 2, before))] * 2)
    yield scope(headers=[(filling, filled(filling, 7_000))] * 2)
    yield scope(headers=[(f"x-{number}".encode(), filling) for number in range(127)])


@pytest.mark.parametrize("filling", FILLINGS, ids=repr)
def test_S36_the_longest_head_of_any_kind_takes_no_time_of_the_thread_that_answers_everybody(filling: bytes) -> None:
    application = serving(answering(lambda _environ: HttpResponse()))

    async def seconds(asked: dict[str, Any]) -> float:
        found = []
        for _time in range(5):
            begun = time.thread_time()
            await ask(application, asked)
            found.append(time.thread_time() - begun)
            if found[-1] < LIMIT:
                break
        return min(found)

    async def go() -> dict[str, float]:
        await ask(application, scope())
        heads = [(asked, await seconds(asked)) for asked in longest_heads(filling)]
        return {repr(asked)[:300]: taken for asked, taken in heads if taken >= LIMIT}

    assert run(go()) == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"raw_path": b"/" + b"\xff" * 512},
        {"raw_path": b"/" + b"%FF" * 171},
        {"headers": [(b"content-type", b"multipart/form-data; boundary=" + b"a" * 230)]},
        {"headers": [(b"a", b"")] * 129},
        {"headers": [(b"cookie", b";" * 250)] * 2},
    ],
    ids=["bytes", "escaped bytes", "Content-Type", "headers", "cookies"],
)
def test_S36_a_head_with_more_than_any_browser_has_is_refused(changed: dict[str, Any]) -> None:
    application = serving(answering(lambda _environ: HttpResponse()))
    assert run(ask(application, {**scope(), **changed}))[0] == 431


@pytest.mark.parametrize(
    ("kinds", "status"),
    [
        ([b"application/x-www-form-urlencoded"], 200),
        ([b"application/x-www-form-urlencoded; charset=UTF-8"], 200),
        ([b"multipart/form-data; boundary=----geckoformboundary0'()+_,-./:=?"], 200),
        ([b'application/json;Charset="utf-8"'], 200),
        ([b""], 200),
        ([b"text/plain; charset=hex"], 400),
        ([b"text/plain; charset=made-up-1"], 400),
        ([b"text/plain; a*=made-up-2'x'y"], 400),
        ([b'text/plain; a="'], 400),
        ([b"text/plain"] * 2, 400),
        ([b";" * 200], 400),
    ],
    ids=repr,
)
def test_S13_a_type_that_is_none_or_of_another_charset_is_refused_before_anything_parses_it(
    kinds: list[bytes], status: int
) -> None:
    application = serving(answering(lambda _environ: HttpResponse()))
    for method in ("GET", "POST"):
        asked = scope(method=method, headers=[(b"content-type", kind) for kind in kinds])
        assert run(ask(application, asked))[0] == status


LONGEST = {
    "slug": "s" * 50,
    "str": tokens.personal_token(uuid.uuid4()),
    "uuid": str(uuid.uuid4()),
    "int": str(2**63),
    "path": "_5F" * 50,  # as admin writes a slug that is a primary key
    "content_type_id": str(2**31),
}


def addresses(patterns: list[Any], before: str) -> Iterator[str]:
    """Yields the longest address of each page."""
    for pattern in patterns:
        route = before + str(getattr(pattern.pattern, "_route", getattr(pattern.pattern, "_regex", "")))
        if children := getattr(pattern, "url_patterns", None):
            yield from addresses(children, route)
        else:
            yield re.sub(
                r"<(?:(\w+):)?(\w+)>", lambda found: LONGEST.get(found[2]) or LONGEST[found[1] or "str"], route
            )


def test_S36_the_longest_address_of_the_site_is_half_of_what_is_answered() -> None:
    found = [*addresses(get_resolver().url_patterns, "/zh-hant/mn-Mong/")]
    assert len(found) > 100 and max(map(len, found)) > 150
    assert max(map(len, found)) < request_head.MAX_PATH / 2


@pytest.fixture
def site(transactional_db: None) -> Application:
    handler = get_wsgi_application()

    def closing(environ: dict[str, Any], start: Any) -> Any:
        try:
            return handler(environ, start)
        finally:
            connections.close_all()

    return Application(closing, browser_of_staff=known_browsers.browser_of_staff)


def test_S36_no_page_is_compressed_in_the_thread_that_answers_everybody(
    site: Application, ada: Signature, monkeypatch: pytest.MonkeyPatch
) -> None:
    compressed: list[tuple[str, int]] = []
    for coding, compress in page_cache.COMPRESSORS.items():

        def watched(body: bytes, quality: int, coding: str = coding, compress: Any = compress) -> bytes:
            compressed.append((coding, threading.get_ident()))
            return compress(body, quality)  # type: ignore[no-any-return]

        monkeypatch.setitem(page_cache.COMPRESSORS, coding, watched)

    async def coding_of(accepted: bytes) -> str:
        asked = {**scope(b"/letters/bridge/", headers=[(b"accept-encoding", accepted)]), "query_string": b""}
        status, headers, _parts = await ask(site, asked)
        assert status == 200
        return headers.get(b"Content-Encoding", b"").decode()

    async def go() -> int:
        for accepted, coding in ((b"identity", ""), (b"br", "br"), (b"br", "br"), (b"gzip", "gzip"), (b"", "")):
            assert await coding_of(accepted) == coding
        for page in cached_pages._pages.values():
            page.created -= 5
        assert await coding_of(b"identity") == "", "which builds it anew"
        (page,) = cached_pages._pages.values()
        assert {*page.compressed} == {"br", "gzip"}, "in all codings in which the former version was asked for"
        return threading.get_ident()

    loop = run(go())
    assert [coding for coding, _thread in compressed] == ["br", "gzip", "br", "gzip"]
    assert loop not in {thread for _coding, thread in compressed}


def test_S36_who_waits_too_long_for_a_thread_gets_the_page_as_it_is(letter: Letter) -> None:
    page = page_cache.CachedPage.from_response(HttpResponse("words", content_type="text/html"), 0.0, is_kept=True)
    asked = RequestFactory().get("/", headers={"accept-encoding": "br"})
    assert page.respond_at_once(asked, plain_will_do=False) is None
    late = page.respond_at_once(asked, plain_will_do=True)
    assert late is not None and (late.content, late.get("Content-Encoding")) == (b"words", None)
    page.respond(asked)
    found = page.respond_at_once(asked, plain_will_do=False)
    assert found is not None and found["Content-Encoding"] == "br"
