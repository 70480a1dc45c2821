"""Finished public pages in the memory of one process. How long a page may be served is decided in `middleware`."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import brotli
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from campaign.runtime.regular_expressions import linear

MAX_BYTES = 32 * 1024 * 1024  # bytes of pages in each process
MAX_PAGE_BYTES = MAX_BYTES // 16  # larger pages are not kept
MAX_CODINGS = 20  # of `Accept-Encoding` that are looked at
OVERHEAD_BYTES = 2048  # bytes that a page takes beside its body: headers, key, objects; measured: about 1,700

Key = tuple[str, str]  # scheme, path
PAGE = "undersigned.page"  # key in `META` of a request that was answered from memory: the name of the page

# A page of 36 kB takes Brotli 1 ms at quality 5 and 18 ms at quality 10, which saves an eighth of the bytes.
QUICK, THOROUGH = 5, 10
COMPRESSORS: dict[str, Callable[[bytes, int], bytes]] = {
    "br": lambda body, quality: brotli.compress(body, quality=quality),
    "gzip": lambda body, _quality: gzip.compress(body, 6, mtime=0),
}
_COMPRESSIBLE = linear(r"text/|application/(?:json|(?:atom\+)?xml)|image/svg")  # a PNG is compressed already
_ZERO_WEIGHT = linear(r"q=0(\.0*)?")


@dataclass(slots=True, eq=False)
class CachedPage:
    """A finished public page."""

    created: float  # monotonic seconds at which rendering began: later changes are not on the page
    headers: dict[str, str]
    body: bytes
    compressed: dict[str, bytes] = field(default_factory=dict)  # by content coding
    hits: int = 0
    rebuild_lock: threading.Lock = field(default_factory=threading.Lock)
    wait_until: float = 0.0  # monotonic seconds until which readers wait for the next version; 0 before any rebuild
    makeshift: "CachedPage | None" = None  # takes its place once it is too old: what can be shown without the database
    retry_at: float = 0.0  # monotonic seconds until which no rebuild is tried, because one failed
    name: str = ""  # of its address pattern, for the metrics
    quality: int = QUICK  # of its compression
    compression_lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def from_response(cls, response: HttpResponse, created: float, name: str = "", *, is_kept: bool = False) -> Self:
        """Make a page of a response. `is_kept`: it is compressed once and sent many times, if it is not too large."""
        digest = hashlib.sha256(response.content).hexdigest()[:32]
        headers = {name: value for name, value in response.items() if name != "Content-Length"}
        page = cls(created, headers | {"ETag": f'W/"{digest}"', "Vary": "Accept-Encoding"}, response.content, name=name)
        page.quality = THOROUGH if is_kept and page.may_be_kept else QUICK
        return page

    @property
    def size(self) -> int:
        """Bytes of memory. Both compressed forms together take less than the plain body."""
        return 2 * len(self.body) + OVERHEAD_BYTES

    @property
    def may_be_kept(self) -> bool:
        return self.size <= MAX_PAGE_BYTES

    def encoded(self, coding: str) -> bytes:
        """Returns the body in this coding. Compresses it the first time: not for the thread that answers everybody."""
        if not coding:
            return self.body
        if coding not in self.compressed:
            with self.compression_lock:  # so that many who wait for it cause one compression
                if coding not in self.compressed:
                    self.compressed[coding] = COMPRESSORS[coding](self.body, self.quality)
        return self.compressed[coding]

    def coding_for(self, request: HttpRequest) -> str:
        """Returns the best coding for this client; "" for none."""
        is_text = _COMPRESSIBLE.match(self.headers.get("Content-Type", ""))
        return choose_encoding(request.META.get("HTTP_ACCEPT_ENCODING", "")) if is_text else ""

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Returns the response for this request: the page, 304 if the client has it, 412 if `If-Match` fails."""
        return self._respond(request, self.coding_for(request))

    def respond_at_once(self, request: HttpRequest, *, plain_will_do: bool) -> HttpResponse | None:
        """As `respond`, without compressing anything (threat model S36).

        Returns None if the page is not there in the coding for this client, unless the plain one will do.
        """
        coding = self.coding_for(request)
        if coding and coding not in self.compressed:
            return self._respond(request, "") if plain_will_do else None
        return self._respond(request, coding)

    def _respond(self, request: HttpRequest, coding: str) -> HttpResponse:
        request.META[PAGE] = self.name
        full = HttpResponse(self.encoded(coding), headers=self.headers)
        full["Content-Length"] = str(len(full.content))
        if coding:
            full["Content-Encoding"] = coding
        response = get_conditional_response(request, etag=self.headers["ETag"], response=full) or full
        if response is not full:
            for name, value in self.headers.items():
                response.headers.setdefault(name, value)
            del response["Content-Type"]
        if response.status_code == 412:
            response["Cache-Control"] = "no-store"  # otherwise a shared cache would serve it to others
        return response


def choose_encoding(accepted: str) -> str:
    """Returns the best content coding that `Accept-Encoding` allows; "" for none."""
    parts = (part.replace(" ", "").lower().partition(";") for part in accepted.split(",", MAX_CODINGS)[:MAX_CODINGS])
    allowed = {name for name, _semicolon, weight in parts if not _ZERO_WEIGHT.fullmatch(weight)}
    return next((name for name in COMPRESSORS if name in allowed), "")


class PageCache:
    """The newest public pages of this process, at most `MAX_BYTES` of them. Safe to use from several threads."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Key, CachedPage] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> CachedPage | None:
        page = self._pages.get(key)
        if page:
            page.hits += 1  # without a lock: the number need not be exact
        return page

    def put(self, key: Key, page: CachedPage) -> None:
        """Keep a page. If there is no room, the pages with the fewest hits are dropped.

        So a flood of requests for addresses that nobody else reads evicts its own pages, not the letter.
        """
        with self._lock:
            previous = self._remove(key)
            if not page.may_be_kept:
                return
            page.hits = previous.hits // 2 if previous else 0
            while self._bytes + page.size > MAX_BYTES:
                self._remove(min(self._pages, key=lambda other: self._pages[other].hits))
            self._pages[key] = page
            self._bytes += page.size

    def drop(self, key: Key) -> None:
        with self._lock:
            self._remove(key)

    def drop_older(self, moment: float) -> None:
        """Drop the pages created before this moment: they may show the name of somebody who withdrew."""
        with self._lock:
            while self._pages and next(iter(self._pages.values())).created < moment:
                key = next(iter(self._pages))
                page = self._remove(key)
                if page and page.makeshift:
                    self._pages[key] = page.makeshift
                    self._bytes += page.makeshift.size

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()
            self._bytes = 0

    def _remove(self, key: Key) -> CachedPage | None:
        page = self._pages.pop(key, None)
        self._bytes -= page.size if page else 0
        return page
