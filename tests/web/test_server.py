"""The ASGI application around Django: what it hands over, and what it refuses."""

import asyncio
import threading
import time
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse, StreamingHttpResponse

from campaign.web import request_threads, server, wsgi_calls
from signatures.staff import known_browsers
from tests.web.asgi_calls import answering, ask, run, scope, serving, until


def refused_head(**changed: Any) -> int:
    """The status of the answer to a request that has this head, at a site that would answer it with 200."""
    asked = {**scope(), **changed}
    return run(ask(serving(answering(lambda _environ: HttpResponse())), asked))[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"headers": [(b"if-none-match", b"a," * 190_000)]},
        {"headers": [(b"if-match", b"a," * 600)]},
        {"headers": [(b"if-none-match", b"a," * 100)] * 6},
        {"headers": [(b"cookie", b"a" * 8_193)]},
        {"headers": [(f"x-{number}".encode(), b"a" * 170) for number in range(100)]},
        {"headers": [(b"x" * 16_000, b"a"), (b"y" * 400, b"")]},
        {"query_string": b"q" * 16_384},
        {"raw_path": b"/" * 16_384},
        {"path": "/" * 16_384, "raw_path": None},
    ],
    ids=[
        "If-None-Match",
        "If-Match",
        "many lines",
        "one header",
        "many headers",
        "names",
        "query",
        "address",
        "decoded address",
    ],
)
def test_S36_a_head_that_no_browser_sends_is_refused_before_anything_parses_it(changed: dict[str, Any]) -> None:
    for path in ("/x", "/healthz"):
        asked = {"path": path, "raw_path": path.encode(), **changed}
        before = time.thread_time()
        assert refused_head(**asked) == 431
        assert time.thread_time() - before < 0.1


def test_S36_the_longest_head_of_an_honest_browser_is_answered() -> None:
    headers = [(b"cookie", b"a" * 4_096), (b"referer", b"b" * 8_000), (b"if-none-match", b'W/"0123456789abcdef"')]
    assert refused_head(headers=headers) == 200


def test_a_request_reaches_django_as_it_was_sent() -> None:
    headers = [
        (b"content-type", b"text/plain"),
        (b"x-forwarded-for", b"203.0.113.1"),
        (b"x-forwarded-for", b"203.0.113.2"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"x-name", "é".encode()),
    ]
    environ = wsgi_calls.environ_of(scope(b"/a%20b/%ff/\xed\x95\x9c", headers=headers))
    assert environ["PATH_INFO"].encode("latin-1") == b"/a b/\xff/\xed\x95\x9c"
    assert environ["QUERY_STRING"] == "q=%ff"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["HTTP_X_FORWARDED_FOR"] == "203.0.113.1,203.0.113.2"
    assert environ["HTTP_COOKIE"] == "a=1;b=2"
    assert environ["HTTP_X_NAME"].encode("latin-1") == "é".encode()
    assert environ["REMOTE_ADDR"] == "203.0.113.7"


@pytest.mark.parametrize("path", ["/é".encode(), "/서명".encode(), b"/%EC%84%9C", "/\u202e".encode(), b"/\xff"])
def test_S13_an_address_in_any_script_reaches_django_as_it_was_sent(path: bytes) -> None:
    application = serving(answering(lambda environ: HttpResponse(environ["PATH_INFO"].encode("latin-1"))))
    assert run(ask(application, scope(path)))[2] == [unquote_to_bytes(path)]


def test_S13_a_slow_page_with_an_address_in_any_script_is_looked_up_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(server, "WAIT_SECONDS", 0.05)

    def respond(environ: dict[str, Any]) -> HttpResponse:
        WSGIRequest(environ)
        time.sleep(0.2)
        return HttpResponse("late")

    assert run(ask(serving(answering(respond)), scope("/서명".encode())))[2] == [b"late"]


def test_a_header_with_an_underscore_passes_for_no_other() -> None:
    forged = [(b"x_forwarded_for", b"198.51.100.1"), (b"content_length", b"7")]
    environ = wsgi_calls.environ_of(scope(headers=forged))
    assert "HTTP_X_FORWARDED_FOR" not in environ and "CONTENT_LENGTH" not in environ


def test_S36_while_all_threads_are_held_health_is_answered_and_others_are_refused_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free, held = threading.Event(), []

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ.get("undersigned.overloaded"):
            return HttpResponse("overloaded", status=503)
        held.append(environ)
        free.wait(30)
        return HttpResponse("done")

    async def go() -> list[int]:
        application = serving(answering(respond))
        asked = [asyncio.ensure_future(ask(application, scope())) for _each in range(server.PUBLIC_THREADS + 3)]
        await until(lambda: len(held) == server.PUBLIC_THREADS)
        monkeypatch.setattr(request_threads, "QUEUE_SECONDS", 0.5)
        took = []
        for _each in range(5):
            begun = time.monotonic()
            assert (await ask(application, scope(b"/healthz")))[0] == 200
            took.append(time.monotonic() - begun)
        assert min(took) < 0.5
        await asyncio.sleep(0.8)
        free.set()
        return [status for status, _headers, _parts in await asyncio.gather(*asked)]

    statuses = run(go())
    assert (statuses.count(200), statuses.count(503)) == (server.PUBLIC_THREADS, 3)


def test_S36_a_queue_that_is_full_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_threads, "MAX_QUEUE", 5)
    free = threading.Event()

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ.get("undersigned.overloaded"):
            return HttpResponse(status=503)
        free.wait(30)
        return HttpResponse()

    async def go() -> int:
        application = serving(answering(respond))
        asked = [asyncio.ensure_future(ask(application, scope())) for _each in range(5)]
        await until(lambda: application._public._waiting == 5)
        status = (await ask(application, scope()))[0]
        free.set()
        await asyncio.gather(*asked)
        return status

    assert run(go()) == 503


def test_A19_logins_of_strangers_do_not_hold_up_a_browser_that_staff_have_used_before() -> None:
    free, held, marked = threading.Event(), [], HttpResponse()
    known_browsers.remember(marked, 1)
    mark = marked.cookies[known_browsers.COOKIE].value
    known, forged = ([(b"cookie", f"known_browser={value}".encode())] for value in (mark, f"2{mark[1:]}"))

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if mark not in environ.get("HTTP_COOKIE", ""):
            held.append(environ)
            free.wait(30)
        return HttpResponse()

    async def go() -> tuple[int, bool]:
        application = serving(answering(respond))
        login = b"/admin/login/"
        asked = [asyncio.ensure_future(ask(application, scope(login, "POST"))) for _each in range(20)]
        await until(lambda: len(held) == server.LOGIN_THREADS)
        async with asyncio.timeout(8):
            status = (await ask(application, scope(login, "POST", known)))[0]
        forger = asyncio.ensure_future(ask(application, scope(login, "POST", forged)))
        waits = not (await asyncio.wait({forger}, timeout=0.2))[0]
        free.set()
        await asyncio.gather(*asked, forger)
        return status, waits

    assert run(go()) == (200, True)


@pytest.mark.parametrize(("path", "threads"), [(b"/", server.PUBLIC_THREADS), (b"/admin/login/", server.LOGIN_THREADS)])
def test_staff_have_threads_of_their_own(path: bytes, threads: int) -> None:
    free, held = threading.Event(), []

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ["PATH_INFO"] != "/admin/":
            held.append(environ)
            free.wait(30)
        return HttpResponse()

    async def go() -> int:
        application = serving(answering(respond))
        asked = [asyncio.ensure_future(ask(application, scope(path))) for _each in range(server.PUBLIC_THREADS)]
        await until(lambda: len(held) == threads)
        async with asyncio.timeout(8):
            status = (await ask(application, scope(b"/admin/")))[0]
        free.set()
        await asyncio.gather(*asked)
        return status

    assert run(go()) == 200


SEARCH, LEAVES, LETTER = b"/letters/x/signatories/", b"/deliveries/x/1/leaves.csv", b"/letters/x/"


@pytest.mark.parametrize(
    ("path", "query", "threads"),
    [(SEARCH, b"q=a", server.SEARCH_THREADS), (b"/de/ko" + SEARCH, b"after=x", server.SEARCH_THREADS),
     (LEAVES, b"", server.DOWNLOAD_THREADS), (b"/fr" + LEAVES, b"z=1", server.DOWNLOAD_THREADS),
     (SEARCH, b"z=1", server.PUBLIC_THREADS), (LETTER, b"q=a", server.PUBLIC_THREADS)],
)  # fmt: skip
def test_S43_searches_and_downloads_of_strangers_share_a_few_threads(path: bytes, query: bytes, threads: int) -> None:
    free, held = threading.Event(), []

    def respond(environ: dict[str, Any]) -> HttpResponse:
        held.append(environ["PATH_INFO"])
        free.wait(30)
        return HttpResponse()

    async def go() -> int:
        application = serving(answering(respond))
        many = [asyncio.ensure_future(ask(application, {**scope(path), "query_string": query})) for _each in range(20)]
        await until(lambda: len(held) >= threads)
        await asyncio.sleep(0.3)  # no more come
        running = len(held)
        free.set()
        assert {status for status, *_rest in await asyncio.gather(*many)} == {200}
        return running

    assert run(go()) == threads


@pytest.mark.parametrize(("path", "at_once"), [(SEARCH, request_threads.MAX_QUEUE), (LEAVES, server.DOWNLOADS)])
def test_S43_too_many_searches_or_downloads_are_refused_and_a_sign_up_is_answered(path: bytes, at_once: int) -> None:
    free = threading.Event()

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ.get("undersigned.overloaded"):
            return HttpResponse(status=503, headers={"Retry-After": "10"})  # as `OverloadMiddleware` does
        if environ["REQUEST_METHOD"] == "GET":
            free.wait(30)
        return HttpResponse()

    async def go() -> None:
        application = serving(answering(respond))
        many = [asyncio.ensure_future(ask(application, scope(path))) for _each in range(at_once)]
        await until(lambda: at_once in {share._inside for share in application._shares.values()})
        async with asyncio.timeout(8):
            status, headers, _parts = await ask(application, scope(path))
            assert (status, headers[b"Retry-After"]) == (503, b"10")
            assert (await ask(application, scope(LETTER + b"sign/", "POST")))[0] == 200
        free.set()
        assert {status for status, *_rest in await asyncio.gather(*many)} == {200}
        assert (await ask(application, scope(path)))[0] == 200, "there is room again"

    run(go())


def test_S43_the_parts_of_downloads_are_made_in_their_few_threads() -> None:
    free, making = threading.Event(), []

    def parts() -> Any:
        yield b"a" * wsgi_calls.PART_BYTES
        making.append(threading.current_thread())
        free.wait(30)
        yield b"b" * wsgi_calls.PART_BYTES

    async def go() -> int:
        application = serving(answering(lambda _environ: StreamingHttpResponse(parts())))
        many = [asyncio.ensure_future(ask(application, scope(LEAVES))) for _each in range(20)]
        await until(lambda: len(making) >= server.DOWNLOAD_THREADS)
        await asyncio.sleep(0.5)  # no more come
        running = len(making)
        free.set()
        assert {len(b"".join(sent)) for _status, _headers, sent in await asyncio.gather(*many)} == {
            2 * wsgi_calls.PART_BYTES
        }
        return running

    assert run(go()) == server.DOWNLOAD_THREADS


def test_S43_a_download_ends_when_its_client_leaves() -> None:
    made, closed = [], []

    class Response(StreamingHttpResponse):
        def close(self) -> None:
            closed.append(True)
            super().close()

    def parts() -> Any:
        for number in range(100):
            made.append(number)
            yield b"a" * wsgi_calls.PART_BYTES

    async def go() -> None:
        application, left = serving(answering(lambda _environ: Response(parts()))), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(_message: dict[str, Any]) -> None:
            if len(made) > 3:
                left.set()

        await application(scope(LEAVES), receive, send)

    run(go())
    assert len(made) < 10 and closed
