"""Bodies of requests: read before a thread is needed, with a deadline and a limit, and to their end before the answer."""

import asyncio
import threading
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from campaign.web import request_body, request_threads, server, wsgi_calls
from campaign.web.server import Application
from tests.web.asgi_calls import answering, ask, run, scope, serving, until


def test_a_body_in_parts_is_read_as_one() -> None:
    application = serving(answering(lambda environ: HttpResponse(environ["wsgi.input"].read()[::-1])))
    asked = scope(method="POST", headers=[(b"content-length", b"6")])
    assert run(ask(application, asked, b"ab", b"cd", b"ef"))[2] == [b"fedcba"]


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


UPLOAD = b"a" * 500_000  # a quarter of two megabytes


def test_S13_of_a_strangers_body_of_more_than_a_megabyte_nothing_is_kept() -> None:
    application = serving(answering(lambda environ: HttpResponse(environ["wsgi.input"].read() + b"nothing")))
    asked = scope(method="POST", headers=[(b"content-length", b"2000000")])
    assert run(ask(application, asked, *[UPLOAD] * 4))[2] == [b"nothing"]


def test_S13_it_is_read_to_its_end_before_the_answer_or_the_connection_would_break() -> None:
    application = serving(answering(lambda _environ: HttpResponse()))
    messages: list[str] = []

    async def receive() -> dict[str, Any]:
        messages.append("read")
        return {"type": "http.request", "body": UPLOAD, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message["type"])

    run(application(scope(method="POST", headers=[(b"content-length", b"2000000")]), receive, send))
    assert messages[:5] == ["read"] * 4 + ["http.response.start"]


def test_S36_a_large_body_that_does_not_come_is_not_waited_for_though_nothing_of_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_body, "SECONDS", 0.3)
    asked = scope(method="POST", headers=[(b"content-length", b"2000000")])
    application = serving(answering(lambda _environ: HttpResponse()))
    assert run(ask(application, asked, *[b"a"] * 1000, pause=0.05))[0] == 408


async def upload(application: Application, session: str, path: bytes = b"/admin/x") -> tuple[int, bytes]:
    """The answer to two megabytes with a cookie of this session, at a site that says how many it read."""
    headers = [(b"content-length", b"2000000"), (b"cookie", f"sessionid={session}".encode())]
    status, _headers, parts = await ask(application, scope(path, "POST", headers), *[UPLOAD] * 4)
    return status, parts[0]


def reading_body() -> Application:
    def respond(environ: dict[str, Any]) -> HttpResponse:
        status = 503 if environ.get("undersigned.overloaded") else 200
        return HttpResponse(str(len(environ["wsgi.input"].read())), status=status)

    return serving(answering(respond))


@pytest.mark.django_db(transaction=True)
def test_S13_only_staff_who_are_signed_in_may_upload_more(client: Client, moderator: User) -> None:
    client.force_login(moderator)
    signed_in = client.cookies["sessionid"].value

    async def go(session: str, path: bytes) -> bytes:
        application = reading_body()
        body = (await upload(application, session, path))[1]
        await application._logins.run(connections.close_all)
        return body

    assert run(go(signed_in, b"/admin/x")) == b"2000000"
    assert run(go("forged" * 5, b"/admin/x")) == b"0"
    assert run(go(signed_in, b"/x")) == b"0", "no public page takes more from anybody"


def test_S43_a_session_that_is_made_up_takes_no_thread_of_staff_and_waits_in_no_queue_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_threads, "MAX_QUEUE", 5)
    free, asked = threading.Event(), []

    def is_signed_in(_environ: dict[str, Any]) -> bool:
        asked.append(threading.current_thread())
        return not free.wait(30)

    monkeypatch.setattr(wsgi_calls, "is_signed_in", is_signed_in)

    async def go() -> tuple[list[int], int, int]:
        application = reading_body()
        assert (await upload(application, "forged", b"/x"))[0] == 200
        assert not asked, "on a public page nobody looks whose it is"
        waiting = [asyncio.ensure_future(upload(application, "forged")) for _each in range(5)]
        await until(lambda: application._logins._waiting == 5 and len(asked) >= server.LOGIN_THREADS)
        refused = [(await upload(application, "forged"))[0] for _each in range(3)]
        looking = len(asked)
        async with asyncio.timeout(8):
            status = (await ask(application, scope(b"/admin/")))[0]
        free.set()
        await asyncio.gather(*waiting)
        return refused, looking, status

    assert run(go()) == ([503] * 3, server.LOGIN_THREADS, 200)


def echoing() -> Application:
    return serving(answering(lambda environ: HttpResponse(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))))


def test_S13_a_body_that_comes_in_chunks_is_read_as_one_of_known_length() -> None:
    asked = scope(method="POST", headers=[(b"transfer-encoding", b"chunked")])
    assert run(ask(echoing(), asked, b"name=", b"Ada"))[2] == [b"name=Ada"]
    assert run(ask(echoing(), asked))[2] == [b""], "there was none"


def test_S13_in_chunks_no_more_is_read_than_otherwise() -> None:
    asked = scope(b"/letters/bridge/sign/", "POST", [(b"transfer-encoding", b"chunked")])
    lengths: list[int] = []

    def respond(environ: dict[str, Any]) -> HttpResponse:
        lengths.append(int(environ["CONTENT_LENGTH"]))
        return HttpResponse()

    run(ask(serving(answering(respond)), asked, *[UPLOAD] * 4))
    assert lengths == [settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1], "by which Django refuses it"
