"""The ASGI application around Django: what it hands over, and what it refuses."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.test import Client

from campaign.web import request_body, server, wsgi_calls
from campaign.web.server import Application
from signatures.staff import known_browsers

Handler = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def scope(path: bytes = b"/x", method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = ()) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "http_version": "1.1",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": b"q=%ff",
        "server": ("127.0.0.1", 8000),
        "client": ("203.0.113.7", 4711),
        "headers": [(b"host", b"localhost"), *headers],
    }


def answering(respond: Callable[[dict[str, Any]], HttpResponse | StreamingHttpResponse]) -> Handler:
    """A WSGI handler that answers as `respond` says."""

    def handler(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        response = respond(environ)
        start(f"{response.status_code} …", list(response.items()))
        return response

    return handler


def serving(handler: Handler) -> Application:
    """The site as `campaign.asgi` serves it, around this handler."""
    return Application(handler, browser_of_staff=known_browsers.browser_of_staff)


def run[Result](coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Runs it in a thread of its own: in this one the browser of another test may have left its event loop running."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result()


async def ask(
    application: Application, asked: dict[str, Any], *parts: bytes, pause: float = 0.0
) -> tuple[int, dict[bytes, bytes], list[bytes]]:
    """Sends a request with its body in parts. Returns status, headers, and the parts of the answer."""
    waiting = list(parts)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(asked, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


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


def test_a_body_in_parts_is_read_as_one() -> None:
    application = serving(answering(lambda environ: HttpResponse(environ["wsgi.input"].read()[::-1])))
    asked = scope(method="POST", headers=[(b"content-length", b"6")])
    assert run(ask(application, asked, b"ab", b"cd", b"ef"))[2] == [b"fedcba"]


def test_a_large_download_is_sent_in_parts(tmp_path: Any) -> None:
    content = bytes(range(256)) * 4096
    (tmp_path / "file").write_bytes(content)
    opened: list[Any] = []

    def respond(_environ: dict[str, Any]) -> FileResponse:
        opened.append((tmp_path / "file").open("rb"))
        return FileResponse(opened[-1])

    _status, headers, parts = run(ask(serving(answering(respond)), scope()))
    assert b"".join(parts) == content and len(parts) > 3
    assert headers[b"Content-Length"] == str(len(content)).encode()
    assert opened[0].closed


def test_S36_a_body_that_does_not_come_is_refused_and_holds_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "SECONDS", 0.3)
    called: list[str] = []
    application = serving(answering(lambda _environ: called.append("called") or HttpResponse()))  # type: ignore[func-returns-value]
    asked = scope(method="POST", headers=[(b"content-length", b"1000")])
    status, headers, _parts = run(ask(application, asked, *[b"a"] * 1000, pause=0.05))
    assert (status, headers[b"Connection"], called) == (408, b"close", [])


def test_S36_the_deadline_of_a_public_form_is_ten_seconds() -> None:
    assert request_body.SECONDS == 10 and request_body.STEP_BYTES >= 1024 * 1024


def test_S36_a_client_that_goes_away_in_the_middle_leaves_nothing_behind() -> None:
    called: list[str] = []
    application = serving(answering(lambda _environ: called.append("called") or HttpResponse()))  # type: ignore[func-returns-value]

    async def go() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.disconnect"}

        async def send(_message: dict[str, Any]) -> None:
            called.append("sent")

        await application(scope(method="POST", headers=[(b"content-length", b"9")]), receive, send)

    run(go())
    assert called == []


def test_S13_a_strangers_body_of_more_than_a_megabyte_is_not_read() -> None:
    application = serving(answering(lambda environ: HttpResponse(environ["wsgi.input"].read() + b"nothing")))
    asked = scope(method="POST", headers=[(b"content-length", b"2000000")])
    assert run(ask(application, asked))[2] == [b"nothing"]


@pytest.mark.django_db(transaction=True)
def test_S13_only_staff_who_are_signed_in_may_upload_more(client: Client, moderator: User) -> None:
    client.force_login(moderator)
    signed_in = client.cookies["sessionid"].value
    part = b"a" * 500_000

    async def upload(session: str) -> list[bytes]:
        application = serving(answering(lambda environ: HttpResponse(str(len(environ["wsgi.input"].read())))))
        headers = [(b"content-length", b"2000000"), (b"cookie", f"sessionid={session}".encode())]
        parts = (await ask(application, scope(method="POST", headers=headers), *[part] * 4))[2]
        await application._staff.run(connections.close_all)
        return parts

    assert run(upload(signed_in)) == [b"2000000"]
    assert run(upload("forged" * 5)) == [b"0"]


def test_S36_while_all_threads_are_held_health_is_answered_and_others_are_refused_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "QUEUE_SECONDS", 0.5)
    free = threading.Event()

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ.get("undersigned.overloaded"):
            return HttpResponse("overloaded", status=503)
        free.wait(10)
        return HttpResponse("done")

    async def go() -> list[int]:
        application = serving(answering(respond))
        asked = [asyncio.ensure_future(ask(application, scope())) for _each in range(server.PUBLIC_THREADS + 3)]
        await asyncio.sleep(0.1)
        begun = time.monotonic()
        assert (await ask(application, scope(b"/healthz")))[0] == 200
        assert time.monotonic() - begun < 0.5
        await asyncio.sleep(0.8)
        free.set()
        return [status for status, _headers, _parts in await asyncio.gather(*asked)]

    statuses = run(go())
    assert (statuses.count(200), statuses.count(503)) == (server.PUBLIC_THREADS, 3)


def test_S36_a_queue_that_is_full_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_QUEUE", 5)
    free = threading.Event()

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ.get("undersigned.overloaded"):
            return HttpResponse(status=503)
        free.wait(10)
        return HttpResponse()

    async def go() -> int:
        application = serving(answering(respond))
        asked = [asyncio.ensure_future(ask(application, scope())) for _each in range(5)]
        await asyncio.sleep(0.1)
        status = (await ask(application, scope()))[0]
        free.set()
        await asyncio.gather(*asked)
        return status

    assert run(go()) == 503


def test_A19_logins_of_strangers_do_not_hold_up_a_browser_that_staff_have_used_before() -> None:
    free, marked = threading.Event(), HttpResponse()
    known_browsers.remember(marked, 1)
    mark = marked.cookies[known_browsers.COOKIE].value
    known, forged = ([(b"cookie", f"known_browser={value}".encode())] for value in (mark, f"2{mark[1:]}"))

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if mark not in environ.get("HTTP_COOKIE", ""):
            free.wait(10)
        return HttpResponse()

    async def go() -> tuple[int, bool]:
        application = serving(answering(respond))
        login = b"/admin/login/"
        asked = [asyncio.ensure_future(ask(application, scope(login, "POST"))) for _each in range(20)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            status = (await ask(application, scope(login, "POST", known)))[0]
        forger = asyncio.ensure_future(ask(application, scope(login, "POST", forged)))
        waits = not (await asyncio.wait({forger}, timeout=0.2))[0]
        free.set()
        await asyncio.gather(*asked, forger)
        return status, waits

    assert run(go()) == (200, True)


@pytest.mark.parametrize("held", [b"/", b"/admin/login/"])
def test_staff_have_threads_of_their_own(held: bytes) -> None:
    free = threading.Event()

    def respond(environ: dict[str, Any]) -> HttpResponse:
        if environ["PATH_INFO"] != "/admin/":
            free.wait(10)
        return HttpResponse()

    async def go() -> int:
        application = serving(answering(respond))
        asked = [asyncio.ensure_future(ask(application, scope(held))) for _each in range(server.PUBLIC_THREADS)]
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2):
            status = (await ask(application, scope(b"/admin/")))[0]
        free.set()
        await asyncio.gather(*asked)
        return status

    assert run(go()) == 200
