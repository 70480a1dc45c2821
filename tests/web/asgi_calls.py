"""Asking the ASGI application around a handler of one's own, without a server."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

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


async def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until something is so, however slow the machine is."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110  it happens in other threads
            await asyncio.sleep(0.01)


async def ask(
    application: Application, asked: dict[str, Any], *parts: bytes, pause: float = 0.0
) -> tuple[int, dict[bytes, bytes], list[bytes]]:
    """Sends a request with its body in parts. Returns status, headers, and the parts of the answer."""
    waiting = list(parts) or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        if not waiting:
            await asyncio.Event().wait()  # the client stays until it has its answer
        part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(asked, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]
