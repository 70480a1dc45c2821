"""The ASGI application: what must never wait for a thread is answered here; all else by Django in one of a few threads.

A connection that sends its request slowly holds no thread, because a request gets one only when all of it is here. A
database that answers slowly holds threads, but neither the health check nor a page in memory needs one.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest

from campaign.runtime import database_budgets
from campaign.web import request_body, request_head, request_metrics, wsgi_calls
from campaign.web.costs import Cost, cost_of
from campaign.web.middleware import OVERLOADED, WAIT_SECONDS, answer_from_memory, may_be_in_memory
from campaign.web.request_threads import Share, ThreadPool
from campaign.web.wsgi_calls import Answer, Environ, WsgiHandler

log = logging.getLogger(__name__)

PUBLIC_THREADS = 8  # each keeps a database connection
STAFF_THREADS = 4  # the same; so neither a flood of readers nor an export of millions stops the other
LOGIN_THREADS = 2  # the same; so that strangers who log in all the time leave staff at work their threads
# Of the public threads: four are left for all else, whatever strangers search for and download (threat model S43).
SEARCH_THREADS = 3
DOWNLOAD_THREADS = 1
DOWNLOADS = 50  # at once; each keeps some hundred kilobytes
LONG_ANSWERS = 50  # that a pool or share sends at once; each keeps some megabytes until its client has taken them
# Whoever downloads in vain comes again and again: a page would cost more than it is worth.
TOO_MANY_DOWNLOADS = Answer(
    503,
    [(b"Content-Type", b"text/plain"), (b"Cache-Control", b"no-store"), (b"Retry-After", b"10")],
    b"Too many are downloading this at once. Please try again in a minute.\n",
)
SEND_SECONDS = 60.0  # in which a client must take one part of a download

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Overloaded(Exception):
    """No thread was free in time."""


class Application:
    """The site as an ASGI application, around Django's WSGI handler.

    Args:
        handler: answers the requests.
        browser_of_staff: returns the mark of a browser with which staff have signed in, None for any other. It must
            not ask the database.
    """

    def __init__(self, handler: WsgiHandler, *, browser_of_staff: Callable[[HttpRequest], str | None]) -> None:
        self._browser_of_staff = browser_of_staff
        self._public = ThreadPool(handler, PUBLIC_THREADS, database_budgets.public())
        self._shares = {
            Cost.SEARCH: Share(self._public, SEARCH_THREADS),
            Cost.DOWNLOAD: Share(self._public, DOWNLOAD_THREADS, DOWNLOADS),
        }
        self._staff = ThreadPool(handler, STAFF_THREADS, database_budgets.STAFF)
        # For the answer to those who found no thread. It needs no database.
        self._overload = ThreadPool(handler, 1, database_budgets.public())
        self._logins = ThreadPool(handler, LOGIN_THREADS, database_budgets.STAFF)
        self._admin = f"/{settings.ADMIN_PATH}"
        self.is_leaving = False  # then each answer ends its connection: the process ends soon

    async def __call__(self, scope: dict[str, Any], receive: request_body.Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError("This application speaks HTTP alone.")
        send = partial(self._send, send)
        if request_head.is_too_long(scope):
            await _send(send, Answer(431, [(b"Connection", b"close")], b"The head of the request is too long.\n"))
            return
        if request_head.has_strange_type(scope):
            await _send(send, Answer(400, [(b"Connection", b"close")], b"The Content-Type cannot be read.\n"))
            return
        environ = wsgi_calls.environ_of(scope)
        # To look at here, once: what Django reads out of the head of a hostile one takes long.
        request = wsgi_calls.request_of(environ)
        if may_be_in_memory(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            began = time.perf_counter()
            if response := answer_from_memory(request):
                request_metrics.count(request, response.status_code, time.perf_counter() - began)
                await _send(send, wsgi_calls.answer_of(response))
                return
        pool = self._pool(request)
        try:
            environ["wsgi.input"] = await self._body(environ, request, receive)
        except request_body.ClientGone:
            return
        except request_body.BodyTooSlow:
            await _send(send, Answer(408, [(b"Connection", b"close")], b"The request took too long.\n"))
            return
        except Overloaded:
            await _send(send, await self._refusal(environ, pool))
            return
        try:
            answer = await self._answer(environ, request, pool)
            if answer.rest and pool.sending >= LONG_ANSWERS:
                await pool.run(answer.rest.close)
                answer = TOO_MANY_DOWNLOADS
            await _send(send, answer)
            await _send_rest(send, receive, answer, pool)
        finally:
            environ["wsgi.input"].close()

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        if self.is_leaving and "headers" in message:
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    def _pool(self, request: HttpRequest) -> ThreadPool | Share:
        path = request.path_info
        if not path.startswith(self._admin):
            is_form = not may_be_in_memory(request.META["REQUEST_METHOD"], path)
            cost = None if is_form else cost_of(request)
            return self._shares[cost] if cost else self._public
        # Staff who come back need not wait behind the logins of strangers (threat model A19).
        is_stranger = path == f"{self._admin}login/" and not self._browser_of_staff(request)
        return self._logins if is_stranger else self._staff

    async def _body(self, environ: Environ, request: HttpRequest, receive: request_body.Receive) -> Any:
        """Returns the body; an empty one if it is too large, which Django refuses by its announced length.

        Raises:
            BodyTooSlow, ClientGone: as `read_body`.
            Overloaded: nobody could find out in time whether this is one of staff, who may send more.
        """
        announced = environ.get("CONTENT_LENGTH")
        if announced is None and environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return await self._body_of_unknown_length(environ, receive)
        length = int(announced[:18]) if announced and announced.isdecimal() else 0
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            may_upload = await self._may_upload(environ, request, length)
            if not may_upload:
                await request_body.discard_body(receive, length)
            if may_upload is None:
                raise Overloaded
            if not may_upload:
                return environ["wsgi.input"]
        return await request_body.read_body(receive, length) if length else environ["wsgi.input"]

    async def _body_of_unknown_length(self, environ: Environ, receive: request_body.Receive) -> Any:
        """Returns a body that comes in chunks (RFC 9112, 7.1). Django is told its length, and reads nothing without."""
        body = await request_body.read_body(receive, settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        environ["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
        body.seek(0)
        return body

    async def _may_upload(self, environ: Environ, request: HttpRequest, length: int) -> bool | None:
        """Returns whether this is one of staff, on a page of admin: all others are refused without a query.

        None if nobody could find out in time.
        """
        is_possible = length <= request_body.MAX_UPLOAD_BYTES and environ["PATH_INFO"].startswith(self._admin)
        if not is_possible or not wsgi_calls.has_session(environ):
            return False
        # Whoever makes up a session waits with those who log in, not with staff.
        pool = self._staff if self._browser_of_staff(request) else self._logins
        return await pool.run_in_time(partial(_is_signed_in, environ))

    async def _answer(self, environ: Environ, request: HttpRequest, pool: ThreadPool | Share) -> Answer:
        answering: Awaitable[Answer | None] = pool.answer(environ)
        if may_be_in_memory(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            answering = task = asyncio.ensure_future(answering)
            await asyncio.wait({task}, timeout=WAIT_SECONDS)
            if not task.done() and (stale := answer_from_memory(request, is_late=True)):
                return wsgi_calls.answer_of(stale)
        return await answering or await self._refusal(environ, pool)

    async def _refusal(self, environ: Environ, pool: ThreadPool | Share) -> Answer:
        if pool is self._shares[Cost.DOWNLOAD]:
            return TOO_MANY_DOWNLOADS
        return await self._overload.answer(environ | {OVERLOADED: True}) or Answer(503, [], b"")


def _is_signed_in(environ: Environ) -> bool:
    close_old_connections()
    try:
        return wsgi_calls.is_signed_in(environ)
    except DatabaseError:
        return False  # Django answers 503 when it asks for the same


async def _send(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    if answer.rest is None:
        await send({"type": "http.response.body", "body": answer.first})


async def _send_rest(send: Send, receive: request_body.Receive, answer: Answer, pool: ThreadPool | Share) -> None:
    """Sends the parts of a download that are made meanwhile, as long as the client is there."""
    if answer.rest is None:
        return
    pool.sending += 1
    leaving = asyncio.ensure_future(request_body.until_gone(receive))
    try:
        part = answer.first
        while part and not leaving.done():
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            part = await pool.run(answer.rest.next_part)
        if not leaving.done():
            await send({"type": "http.response.body", "body": b""})
    finally:
        leaving.cancel()
        pool.sending -= 1
        await pool.run(answer.rest.close)
