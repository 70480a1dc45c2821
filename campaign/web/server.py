"""The ASGI application: what must never wait for a thread is answered here; all else by Django in one of a few threads.

A connection that sends its request slowly holds no thread, because a request gets one only when all of it is here. A
database that answers slowly holds threads, but neither the health check nor a page in memory needs one.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest

from campaign.runtime import database_waits
from campaign.web import request_body, request_head, request_metrics, wsgi_calls
from campaign.web.middleware import OVERLOADED, WAIT_SECONDS, answer_from_memory, may_be_in_memory
from campaign.web.wsgi_calls import Answer, Environ, WsgiHandler

log = logging.getLogger(__name__)

PUBLIC_THREADS = 8  # each keeps a database connection
STAFF_THREADS = 4  # the same; so neither a flood of readers nor an export of millions stops the other
LOGIN_THREADS = 2  # the same; so that strangers who log in all the time leave staff at work their threads
MAX_QUEUE = 200  # requests that wait for a thread of one pool
QUEUE_SECONDS = 10.0  # longest wait for a thread
SEND_SECONDS = 60.0  # in which a client must take one part of a download

Send = Callable[[dict[str, Any]], Awaitable[None]]


class ThreadPool:
    """Threads that call the WSGI handler, with one database budget. Too long a queue is refused, not joined."""

    def __init__(self, handler: WsgiHandler, threads: int, budget: database_waits.Budget) -> None:
        self._handler = handler
        self._executor = ThreadPoolExecutor(
            threads, "request", initializer=partial(database_waits.use_in_thread, budget)
        )
        self._waiting = 0

    async def run[Result](self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def answer(self, environ: Environ) -> Answer | None:
        """Returns Django's answer; None when no thread was free in time."""
        if self._waiting >= MAX_QUEUE:
            return None
        self._waiting += 1
        try:
            return await self.run(partial(self._call, environ, time.monotonic()))
        finally:
            self._waiting -= 1

    def _call(self, environ: Environ, queued: float) -> Answer | None:
        return None if time.monotonic() - queued > QUEUE_SECONDS else wsgi_calls.call(self._handler, environ)


class Application:
    """The site as an ASGI application, around Django's WSGI handler.

    Args:
        handler: answers the requests.
        browser_of_staff: returns the mark of a browser with which staff have signed in, None for any other. It must
            not ask the database.
    """

    def __init__(self, handler: WsgiHandler, *, browser_of_staff: Callable[[HttpRequest], str | None]) -> None:
        self._browser_of_staff = browser_of_staff
        self._public = ThreadPool(handler, PUBLIC_THREADS, database_waits.public())
        self._staff = ThreadPool(handler, STAFF_THREADS, database_waits.STAFF)
        # For the answer to those who found no thread. It needs no database.
        self._overload = ThreadPool(handler, 1, database_waits.public())
        self._logins = ThreadPool(handler, LOGIN_THREADS, database_waits.STAFF)
        self._admin = f"/{settings.ADMIN_PATH}"
        self.is_leaving = False  # then each answer ends its connection: the process ends soon

    async def __call__(self, scope: dict[str, Any], receive: request_body.Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError("This application speaks HTTP alone.")
        send = partial(self._send, send)
        if request_head.is_too_long(scope):
            await _send(
                send, Answer(431, [(b"Connection", b"close")], b"The head of the request is too long.\n"), self._public
            )
            return
        environ = wsgi_calls.environ_of(scope)
        pool = self._pool(environ)
        if may_be_in_memory(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            request, began = wsgi_calls.request_of(environ), time.perf_counter()
            if response := answer_from_memory(request):
                request_metrics.count(request, response.status_code, time.perf_counter() - began)
                await _send(send, wsgi_calls.answer_of(response), pool)
                return
        try:
            environ["wsgi.input"] = await self._body(environ, receive)
        except request_body.ClientGone:
            return
        except request_body.BodyTooSlow:
            await _send(send, Answer(408, [(b"Connection", b"close")], b"The request took too long.\n"), pool)
            return
        try:
            await _send(send, await self._answer(environ, pool), pool)
        finally:
            environ["wsgi.input"].close()

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        if self.is_leaving and "headers" in message:
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    def _pool(self, environ: Environ) -> ThreadPool:
        path = environ["PATH_INFO"]
        if not path.startswith(self._admin):
            return self._public
        # Staff who come back need not wait behind the logins of strangers (threat model A19).
        is_stranger = path == f"{self._admin}login/" and not self._browser_of_staff(wsgi_calls.request_of(environ))
        return self._logins if is_stranger else self._staff

    async def _body(self, environ: Environ, receive: request_body.Receive) -> Any:
        """Returns the body; an empty one if it is too large, which Django refuses by its announced length."""
        announced = environ.get("CONTENT_LENGTH", "")
        length = int(announced[:18]) if announced.isdecimal() else 0
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            is_allowed = await self._staff.run(partial(_is_signed_in, environ))
            if length > request_body.MAX_UPLOAD_BYTES or not is_allowed:
                return environ["wsgi.input"]
        return await request_body.read_body(receive, length) if length else environ["wsgi.input"]

    async def _answer(self, environ: Environ, pool: ThreadPool) -> Answer:
        answering: Awaitable[Answer | None] = pool.answer(environ)
        if may_be_in_memory(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            answering = task = asyncio.ensure_future(answering)
            await asyncio.wait({task}, timeout=WAIT_SECONDS)
            if not task.done() and (stale := answer_from_memory(wsgi_calls.request_of(environ), is_late=True)):
                return wsgi_calls.answer_of(stale)
        answer = await answering
        return answer or await self._overload.answer(environ | {OVERLOADED: True}) or Answer(503, [], b"")


def _is_signed_in(environ: Environ) -> bool:
    close_old_connections()
    try:
        return wsgi_calls.is_signed_in(environ)
    except DatabaseError:
        return False  # Django answers 503 when it asks for the same


async def _send(send: Send, answer: Answer, pool: ThreadPool) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    if answer.rest is None:
        await send({"type": "http.response.body", "body": answer.first})
        return
    try:
        part = answer.first
        while part:
            async with asyncio.timeout(SEND_SECONDS):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            part = await pool.run(answer.rest.next_part)
        await send({"type": "http.response.body", "body": b""})
    finally:
        await pool.run(answer.rest.close)
