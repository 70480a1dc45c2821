"""Finished public pages, kept in memory by this process; how long one is good is not decided here."""

import gzip
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import brotli
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

MAX_BYTES = 32 * 1024 * 1024  # bytes of pages in each process
MAX_PAGE_BYTES = MAX_BYTES // 16
OVERHEAD_BYTES = 2048  # bytes that a page takes beside its body: headers, key, places; measured, some 1,700

Key = tuple[str, str, str]  # scheme, host, path

# A page is packed once and sent many times. Beyond 5 Brotli takes far longer for a few bytes.
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}
_COMPRESSIBLE = re.compile(r"text/|application/(?:json|(?:atom\+)?xml)|image/svg")  # a PNG is packed already
_NEVER = re.compile(r"q=0(\.0*)?")


@dataclass(slots=True, eq=False)
class CachedPage:
    """A public page, as bytes."""

    made: float  # when it was begun: what changed since is not in it
    headers: dict[str, str]
    plain: bytes
    packed: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0
    renewing: threading.Lock = field(default_factory=threading.Lock)
    awaited: float = 0.0  # until when readers wait for what takes its place; 0 before anybody makes it

    @classmethod
    def of(cls, response: HttpResponse, made: float) -> Self:
        digest = hashlib.sha256(response.content).hexdigest()[:32]
        headers = {name: value for name, value in response.items() if name != "Content-Length"}
        return cls(made, headers | {"ETag": f'W/"{digest}"', "Vary": "Accept-Encoding"}, response.content)

    @property
    def size(self) -> int:
        return 2 * len(self.plain) + OVERHEAD_BYTES  # packed both ways it takes less than it does plain

    def body(self, coding: str) -> bytes:
        if not coding:
            return self.plain
        if coding not in self.packed:
            self.packed[coding] = COMPRESSORS[coding](self.plain)
        return self.packed[coding]

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The page; 304 to who has it, and 412 to who wants another one (`If-Match`)."""
        is_text = _COMPRESSIBLE.match(self.headers.get("Content-Type", ""))
        coding = encoding_for(request.META.get("HTTP_ACCEPT_ENCODING", "")) if is_text else ""
        response = HttpResponse(self.body(coding), headers=self.headers)
        response["Content-Length"] = str(len(response.content))
        if coding:
            response["Content-Encoding"] = coding
        given = get_conditional_response(request, etag=self.headers["ETag"], response=response) or response
        if given is not response:
            for name, value in self.headers.items():
                given.headers.setdefault(name, value)
            del given["Content-Type"]
        if given.status_code == 412:
            given["Cache-Control"] = "no-store"  # else a shared cache hands it to others
        return given


def encoding_for(accepted: str) -> str:
    """Of the ways to pack a page the shortest that the reader's `Accept-Encoding` takes; "" for none."""
    words = (word.replace(" ", "").lower().partition(";") for word in accepted.split(","))
    taken = {name for name, _semicolon, weight in words if not _NEVER.fullmatch(weight)}
    return next((name for name in COMPRESSORS if name in taken), "")


class PageCache:
    """The newest public pages of this process, within `ROOM`. Threads share it."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Key, CachedPage] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> CachedPage | None:
        copy = self._pages.get(key)
        if copy:
            copy.asked += 1  # two threads may count one: it is a matter of more or less
        return copy

    def put(self, key: Key, copy: CachedPage) -> None:
        """Keep it. Where there is no room, the page goes that fewest asked for.

        So a flood of addresses that nobody else reads drives itself out, and not the letter.
        """
        with self._lock:
            before = self._take(key)
            if copy.size > MAX_PAGE_BYTES:
                return
            copy.asked = before.asked // 2 if before else 0
            while self._bytes + copy.size > MAX_BYTES:
                self._take(min(self._pages, key=lambda other: self._pages[other].asked))
            self._pages[key] = copy
            self._bytes += copy.size

    def drop(self, key: Key) -> None:
        with self._lock:
            self._take(key)

    def drop_older(self, moment: float) -> None:
        """What was made before: it may hold the name of somebody who withdrew."""
        with self._lock:
            while self._pages and next(iter(self._pages.values())).made < moment:
                self._take(next(iter(self._pages)))

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()
            self._bytes = 0

    def _take(self, key: Key) -> CachedPage | None:
        copy = self._pages.pop(key, None)
        self._bytes -= copy.size if copy else 0
        return copy
