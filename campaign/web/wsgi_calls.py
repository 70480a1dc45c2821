"""Calling Django's WSGI handler for a request that came by ASGI."""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

PART_BYTES = 256 * 1024  # of a response that is streamed or long; of a streamed one, one part is read ahead

Environ = dict[str, Any]  # Django changes the one that a request is made of: each gets a copy
WsgiHandler = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def environ_of(scope: dict[str, Any]) -> Environ:
    """Returns the WSGI environment of an ASGI scope, with an empty body.

    Headers with an underscore in their name are left out: in the environment they would look like others.
    """
    host, port = scope.get("server") or ("localhost", 80)
    path = scope.get("raw_path") or scope["path"].encode()
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = _environ_key(name)
        if key and key in environ:
            environ[key] += (";" if key == "HTTP_COOKIE" else ",") + value.decode("latin-1")
        elif key:
            environ[key] = value.decode("latin-1")
    return environ


def request_of(environ: Environ) -> WSGIRequest:
    """Returns a request to look at."""
    return WSGIRequest(environ.copy())


@lru_cache(maxsize=256)
def _environ_key(name: bytes) -> str:
    """Returns the key of a header; "" when it must be left out."""
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


@dataclass(slots=True)
class Answer:
    """What the WSGI handler answered.

    Attributes:
        status: the status code.
        headers: as ASGI sends them.
        first: the body, or its first part.
        rest: the further parts, of a long body as of a streamed one: the server keeps of each only what the client
            is about to take. None when there are none, and the response is closed.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    first: bytes
    rest: "Rest | None" = None


class Rest:
    """The parts of a response after the first. `next_part` and `close` may wait: call them in a thread."""

    def __init__(self, response: Any, chunks: Iterator[bytes]) -> None:
        self._response, self._chunks = response, chunks

    def next_part(self) -> bytes:
        """Returns the next bytes, about `PART_BYTES`; empty at the end."""
        part = bytearray()
        while len(part) < PART_BYTES and (chunk := next(self._chunks, None)) is not None:
            part += chunk
        return bytes(part)

    def close(self) -> None:
        self._response.close()


def call(handler: WsgiHandler, environ: Environ) -> Answer:
    """Returns the answer of the handler. Runs in a thread: it waits for the database."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    response: Any = handler(environ.copy(), lambda status, headers, _error=None: started.append((status, headers)))
    try:
        chunks = iter(response) if getattr(response, "streaming", False) else _parts(b"".join(response))
        rest = Rest(response, chunks)
        first = rest.next_part()
    except BaseException:
        response.close()
        raise
    status, headers = started[0]
    answer = Answer(int(status[:3]), _encoded(headers), first)
    if len(first) >= PART_BYTES:
        answer.rest = rest
    else:
        response.close()
    return answer


def _parts(body: bytes) -> Iterator[bytes]:
    return (body[start : start + PART_BYTES] for start in range(0, len(body), PART_BYTES))


def answer_of(response: HttpResponse) -> Answer:
    """Returns a response that was made without the handler."""
    return Answer(response.status_code, _encoded(response.items()), response.content)


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def has_session(environ: Environ) -> bool:
    """Returns whether the request has the cookie of a session, which may be made up."""
    return settings.SESSION_COOKIE_NAME in environ.get("HTTP_COOKIE", "")


def is_signed_in(environ: Environ) -> bool:
    """Returns whether a member of staff is signed in. Runs in a thread: it asks the database."""
    request: HttpRequest = request_of(environ)
    SessionMiddleware(lambda _request: HttpResponse()).process_request(request)
    return get_user(request).is_authenticated
