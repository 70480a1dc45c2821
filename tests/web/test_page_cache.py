"""The page cache: how fresh pages are, conditional requests, memory, and an unavailable database."""

import gc
import gzip
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import brotli
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from campaign.runtime import expiring_cache
from campaign.web import middleware, page_cache
from campaign.web.middleware import PageCacheMiddleware, public_page
from signatures.models import Signature
from tests.factories import WORDS

pytestmark = pytest.mark.django_db
LIST = "/letters/bridge/signatories/"


class Clock:
    """A monotonic clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (middleware, expiring_cache):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`database("down")` and `database("up")`: for queries about a letter."""
    objects = Translation.objects
    answers = objects.shown

    def is_down(*_args: object) -> None:
        raise OperationalError("could not connect to server")

    return lambda how: monkeypatch.setattr(objects, "shown", is_down if how == "down" else answers)


def content_of(answer: HttpResponseBase) -> bytes:
    assert isinstance(answer, HttpResponse)
    return answer.content


def text_of(client: Client, address: str = "/") -> str:
    return client.get(address).content.decode()


# Fresh


def test_a_change_is_on_every_page_within_five_seconds(
    client: Client, letter: Letter, ada: Signature, clock: Clock
) -> None:
    """The worst case: the text is read the moment before it changes, the page is made the moment before the text is old."""
    text_of(client, LIST)  # the text is read
    letter.state = "paused"
    letter.save()
    ada.delete()
    clock.now += text_cache.CACHE_SECONDS - 0.01
    text_of(client)  # the page is made, from the text that was read

    clock.now += 5 - text_cache.CACHE_SECONDS
    assert "Signing is paused" in text_of(client)
    assert "Ada Lovelace" not in text_of(client) + text_of(client, LIST)


def test_the_age_of_a_page_counts_from_the_start_of_rendering(client: Client, letter: Letter, clock: Clock) -> None:
    def slowly(request: Any) -> HttpResponse:
        clock.now += 2
        return HttpResponse("slow", headers={"Cache-Control": "public"})

    pages = PageCacheMiddleware(slowly)
    pages(RequestFactory().get("/slow/"))
    (page,) = middleware.page_cache._pages.values()
    assert page.created == 1000.0


def test_a_page_that_no_longer_exists_is_dropped(client: Client, ada: Signature, clock: Clock) -> None:
    address = f"{LIST}{ada.public_id}/"
    assert "Ada Lovelace" in text_of(client, address)
    ada.delete()
    clock.now += middleware.FRESH_SECONDS
    assert client.get(address).status_code == 404
    assert [key for key in middleware.page_cache._pages if key[1] == address] == []


def test_readers_do_not_wait_while_a_fresh_page_is_rebuilt(letter: Letter, clock: Clock) -> None:
    begun, go_on = threading.Event(), threading.Event()
    bodies = iter(["old", "new"])

    @public_page
    def page(request: Any) -> HttpResponse:
        body = next(bodies)
        if body == "new":
            begun.set()
            go_on.wait(10)
        return HttpResponse(body)

    pages, ask = PageCacheMiddleware(page), RequestFactory().get
    pages(ask("/"))
    clock.now += middleware.FRESH_SECONDS
    renewing = threading.Thread(target=lambda: pages(ask("/")))
    renewing.start()
    assert begun.wait(10)
    assert content_of(pages(ask("/"))) == b"old"
    go_on.set()
    renewing.join(10)
    assert content_of(pages(ask("/"))) == b"new"


def test_readers_of_a_late_page_wait_for_the_rebuild(client: Client, letter: Letter, clock: Clock) -> None:
    """Nobody requests the page for most of a minute, then four readers at once."""
    begun, go_on = threading.Event(), threading.Event()
    bodies = iter(["old", "new", "newest"])

    @public_page
    def page(request: Any) -> HttpResponse:
        body = next(bodies)
        if body == "new":
            begun.set()
            go_on.wait(10)
        return HttpResponse(body)

    pages, ask, seen = PageCacheMiddleware(page), RequestFactory().get, []
    pages(ask("/"))
    clock.now += 50
    readers = [threading.Thread(target=lambda: seen.append(content_of(pages(ask("/"))))) for _ in range(4)]
    for reader in readers:
        reader.start()
        assert begun.wait(10)
    threading.Timer(0.1, go_on.set).start()
    for reader in readers:
        reader.join(10)
    assert seen == [b"new"] * 4


def test_readers_who_wait_for_a_withdrawn_name_get_404(letter: Letter, clock: Clock) -> None:
    begun, go_on = threading.Event(), threading.Event()
    statuses = iter([200, 404, 404])

    @public_page
    def page(request: Any) -> HttpResponse:
        status = next(statuses)
        if status == 404 and not begun.is_set():
            begun.set()
            go_on.wait(10)
        return HttpResponse("a name" if status == 200 else "none", status=status)

    pages, ask, seen = PageCacheMiddleware(page), RequestFactory().get, []
    pages(ask("/"))
    clock.now += 50
    readers = [threading.Thread(target=lambda: seen.append(pages(ask("/")).status_code)) for _ in range(2)]
    for reader in readers:
        reader.start()
        assert begun.wait(10)
    threading.Timer(0.1, go_on.set).start()
    for reader in readers:
        reader.join(10)
    assert seen == [404, 404]


def test_readers_wait_once_and_briefly_for_a_database_that_does_not_answer(
    letter: Letter, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "WAIT_SECONDS", 0.05)
    begun, go_on = threading.Event(), threading.Event()
    bodies = iter(["old", "hangs"])

    @public_page
    def page(request: Any) -> HttpResponse:
        if next(bodies) == "hangs":
            begun.set()
            go_on.wait(10)
        return HttpResponse("old")

    pages, ask = PageCacheMiddleware(page), RequestFactory().get
    pages(ask("/"))
    clock.now += 50
    renewing = threading.Thread(target=lambda: pages(ask("/")))
    renewing.start()
    assert begun.wait(10)
    assert content_of(pages(ask("/"))) == b"old"
    clock.now += 1
    start = time.monotonic()
    for _reader in range(100):
        assert content_of(pages(ask("/"))) == b"old"
    assert time.monotonic() - start < 0.05 * 50
    go_on.set()
    renewing.join(10)


# Conditional requests, compression, keys


def test_two_processes_send_the_same_etag(client: Client, ada: Signature) -> None:
    tags = set()
    for _process in range(2):
        middleware.page_cache.clear()
        text_cache.clear_cache()
        tags.add(client.get("/")["ETag"])
    assert len(tags) == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [("{}", 304), ('"x", {}', 304), ("{}, W/", 304), ("*", 304), ('{}"', 200), ('"x"', 200), ("x{}x", 200), ("", 200)],
)
def test_304_is_sent_only_for_the_same_page(client: Client, letter: Letter, asked: str, status: int) -> None:
    first = client.get("/")
    for ask in (client.get, client.head):
        answer = ask("/", headers={"if-none-match": asked.format(first["ETag"])})
        assert answer.status_code == status
        for name in ("Cache-Control", "ETag", "Vary", "Content-Security-Policy"):
            assert answer[name] == first[name], name
    assert client.get("/", headers={"if-none-match": first["ETag"].removeprefix("W/")}).status_code == 304


def test_P9_a_failed_if_match_has_all_headers_and_is_not_cacheable(client: Client, letter: Letter) -> None:
    first = client.get("/")
    answer = client.get("/", headers={"if-match": '"x"'})
    assert (answer.status_code, answer.content, answer["Cache-Control"]) == (412, b"", "no-store")
    for name in ("Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy"):
        assert answer[name] == first[name], name


def test_head_has_the_headers_of_get_cached_or_not(client: Client, letter: Letter) -> None:
    for address in ("/", f"{LIST}?q=a"):
        cold, cached, full = client.head(address), client.head(address), client.get(address)
        assert cold.content == cached.content == b""
        for head in (cold, cached):
            assert dict(head.items()) == dict(full.items())


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"), ("br;q=0.1, gzip;q=1", "br"), ("GZIP", "gzip"), ("br;q=0, gzip", "gzip"), ("br; q=0.000, gzip;q=0", ""),
        ("identity", ""), ("", ""), ("brotli, gzipped", ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", ["/", f"{LIST}?q=Ada"])
def test_a_page_is_compressed_as_the_client_accepts(
    client: Client, ada: Signature, address: str, accepts: str, coding: str
) -> None:
    answer = client.get(address, headers={"accept-encoding": accepts})
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[coding]
    assert answer.get("Content-Encoding", "") == coding
    assert "Ada Lovelace" in unpack(answer.content).decode()
    assert int(answer["Content-Length"]) == len(answer.content)
    assert answer["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(("address", "quality"), [("/", 10), (f"{LIST}?q=Ada", 5)], ids=["kept", "sent once"])
def test_a_page_that_is_kept_is_compressed_more_thoroughly_than_one_that_is_sent_once(
    client: Client, ada: Signature, address: str, quality: int
) -> None:
    answer = client.get(address, headers={"accept-encoding": "br"})
    assert answer.content == brotli.compress(brotli.decompress(answer.content), quality=quality)


def test_an_image_is_not_compressed() -> None:
    picture = HttpResponse(b"PNG" * 99, content_type="image/png", headers={"Cache-Control": "public"})
    answer = PageCacheMiddleware(lambda _request: picture)(
        RequestFactory().get("/x.png", headers={"accept-encoding": "br, gzip"})
    )
    assert "Content-Encoding" not in answer and content_of(answer) == picture.content


def test_a_page_with_a_query_string_has_an_etag_and_is_not_cached(client: Client, ada: Signature) -> None:
    answer = client.get(f"{LIST}?q=Ada")
    assert client.get(f"{LIST}?q=Ada", headers={"if-none-match": answer["ETag"]}).status_code == 304
    assert len(middleware.page_cache._pages) == 0


def test_languages_are_cached_separately(client: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "다리"}))
    assert "다리" in text_of(client, "/ko/")
    assert "다리" not in text_of(client, "/") and client.get("/")["Content-Language"] == "en"
    assert "다리" in text_of(client, "/ko/") and client.get("/ko/")["Content-Language"] == "ko"


def test_a_forged_host_does_not_poison_the_cache(client: Client, letter: Letter, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["letter.example", "testserver"]
    ours = text_of(client)
    for headers in (
        {"host": "evil.example"},
        {"host": "letter.example@evil.example"},
        {"host": "letter.example", "x-forwarded-host": "evil.example"},
        {"host": "letter.example:8443"},
        {"host": "testserver", "x-forwarded-proto": "gopher", "x-original-url": "/admin/", "forwarded": "host=evil.example"},
    ):  # fmt: skip
        answer = client.get("/", headers=headers)
        assert answer.status_code == (400 if "evil" in headers["host"] else 200)
        assert "evil" not in answer.content.decode()
    assert not [key for key in middleware.page_cache._pages if "evil" in str(key)]
    assert text_of(client) == ours


def test_S36_every_spelling_of_the_host_gets_one_page_and_a_foreign_host_none(
    client: Client, letter: Letter, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.ALLOWED_HOSTS = ["letter.example"]
    hosts = [
        "LETTER.example",
        "letter.example.",
        "Letter.Example:443",
        *(f"letter.example:{port}" for port in range(40)),
    ]
    ours = client.get("/", headers={"host": "letter.example"}).content
    with django_assert_num_queries(0):
        assert {client.get("/", headers={"host": host}).content for host in hosts} == {ours}
    assert len(middleware.page_cache._pages) == 1
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    asked = RequestFactory().get("/", headers={"host": "evil.example"})
    assert middleware.answer_from_memory(asked) is None


# Memory


def page_of(size: int) -> HttpResponse:
    return HttpResponse(b"x" * size, headers={"Cache-Control": "public"})


def test_a_flood_of_addresses_evicts_its_own_pages_and_not_the_letter() -> None:
    pages = PageCacheMiddleware(lambda _request: page_of(100_000))
    ask = RequestFactory().get
    for _reader in range(3):
        pages(ask("/"))
    for number in range(500):
        pages(ask(f"/signatories/{number}/"))
        pages(ask(f"/signatories/{number}/"))
    kept = [path for _scheme, path in middleware.page_cache._pages]
    assert "/" in kept and "/signatories/499/" in kept and "/signatories/0/" not in kept
    assert len(kept) == page_cache.MAX_BYTES // (200_000 + page_cache.OVERHEAD_BYTES)
    assert (
        middleware.page_cache._bytes
        == sum(page.size for page in middleware.page_cache._pages.values())
        <= page_cache.MAX_BYTES
    )


def test_a_flood_of_tiny_pages_takes_no_more_memory_than_one_of_large_ones(client: Client, letter: Letter) -> None:
    """The headers of `/robots.txt` are longer than it is."""
    number = 300
    tiny = client.get("/robots.txt")
    pages = PageCacheMiddleware(lambda _request: HttpResponse(tiny.content, headers=dict(tiny.items())))
    ask = RequestFactory().get
    pages(ask("/0"))
    tracemalloc.start()
    before, _peak = tracemalloc.get_traced_memory()
    for path in range(1, number + 1):
        pages(ask(f"/{path}"))
    gc.collect()
    now, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(middleware.page_cache._pages) == number + 2
    assert now - before < middleware.page_cache._bytes


def test_an_oversized_page_is_sent_and_not_cached() -> None:
    pages = PageCacheMiddleware(lambda _request: page_of(page_cache.MAX_PAGE_BYTES))
    assert pages(RequestFactory().get("/")).status_code == 200
    assert len(middleware.page_cache._pages) == middleware.page_cache._bytes == 0


# While the database is down (threat model O4); tests/web/test_database_down.py stops a real one


def test_O4_names_are_served_for_a_minute_and_the_letter_without_limit(
    client: Client, letter: Letter, ada: Signature, clock: Clock, database: Callable[[str], None]
) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "다리"}))
    text_of(client)
    database("down")
    clock.now += 50
    assert "Ada Lovelace" in text_of(client), "the cached page"

    clock.now += 15
    page = text_of(client)
    assert "We ask for" in page and "Signing is not possible right now" in page and "Ada Lovelace" not in page
    assert not [page for page in middleware.page_cache._pages.values() if b"Ada Lovelace" in page.body]
    assert "다리" in text_of(client, "/ko/"), "in a language that nobody has asked this process for"
    clock.now += 3600
    assert "We ask for" in text_of(client)

    client.raise_request_exception = False
    for address in (LIST, f"{LIST}?q=Ada", f"{LIST}{ada.public_id}/"):
        away = client.get(address)
        assert (away.status_code, away["Retry-After"], away["Cache-Control"]) == (503, "10", "no-store"), address
        assert "Back in a moment" in away.content.decode() and "Traceback" not in away.content.decode()

    database("up")
    clock.now += middleware.FRESH_SECONDS
    assert "Ada Lovelace" in text_of(client) and "Sign the letter" in text_of(client)


def test_O16_a_page_that_gets_too_old_is_replaced_by_one_that_needs_no_database(
    client: Client, letter: Letter, ada: Signature, clock: Clock, database: Callable[[str], None]
) -> None:
    """So nobody has to wait for a query that fails: the attempts of the minute before have made the other page."""
    text_of(client)
    request = RequestFactory().get("/")
    database("down")
    clock.now += 58
    assert "Ada Lovelace" in text_of(client), "the rebuild failed"
    clock.now += middleware.RETRY_SECONDS
    answer = middleware.answer_from_memory(request)
    assert answer is not None
    assert "We ask for" in answer.content.decode() and "Ada Lovelace" not in answer.content.decode()


def test_O16_after_a_rebuild_that_failed_readers_are_not_made_to_wait_for_the_next(
    client: Client, letter: Letter, clock: Clock, database: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    text_of(client)
    database("down")
    asked: list[str] = []
    down = Translation.objects.shown

    def count_and_fail(slug: str) -> Any:
        asked.append(slug)
        return down(slug)

    monkeypatch.setattr(Translation.objects, "shown", count_and_fail)
    clock.now += 10
    for _reader in range(20):
        assert "We ask for" in text_of(client)
        clock.now += middleware.RETRY_SECONDS / 20 - 0.001
    assert len(asked) == 1
    clock.now += 0.1
    text_of(client)
    assert len(asked) == 2


def test_O4_many_readers_do_not_query_an_unavailable_database_again(
    client: Client, letter: Letter, clock: Clock, database: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    text_of(client)
    clock.now += 61
    database("down")
    asked: list[int] = []
    down = Translation.objects.shown

    def count_and_fail(slug: str) -> Any:
        asked.append(1)
        return down(slug)

    monkeypatch.setattr(Translation.objects, "shown", count_and_fail)
    for _reader in range(100):
        assert "Signing is not possible right now" in text_of(client)
    assert len(asked) == 1
