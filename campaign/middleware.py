"""What happens to every request: hot copies of public pages, headers, the language of the URL, the guard on POSTs."""

import gzip
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import cache_control

GetResponse = Callable[[HttpRequest], HttpResponseBase]

FRESH = 3.0  # seconds a copy is served without asking
STALE = 60.0  # seconds it still serves while it is made anew, or while the database is down
COPIES = 512

public_page = cache_control(public=True, max_age=5, stale_while_revalidate=25)  # what `HotPages` goes by


@dataclass(slots=True)
class Copy:
    """A finished public page, as bytes."""

    made: float
    headers: dict[str, str]
    plain: bytes
    zipped: bytes
    renewing: threading.Lock = field(default_factory=threading.Lock)


class Copies:
    """The newest public pages of this process. Threads share it."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[str, str, str], Copy] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, str]) -> Copy | None:
        return self._pages.get(key)

    def put(self, key: tuple[str, str, str], response: HttpResponse) -> Copy:
        body = response.content
        digest = hashlib.sha256(body).hexdigest()[:32]
        headers = {name: value for name, value in response.items() if name != "Content-Length"}
        headers |= {"ETag": f'W/"{digest}"', "Vary": "Accept-Encoding"}
        copy = Copy(time.monotonic(), headers, body, gzip.compress(body, 6, mtime=0))
        with self._lock:
            self._pages.pop(key, None)  # the newest stands last
            self._pages[key] = copy
            # What is too old to be served goes out of memory, too: it may hold the name of somebody who withdrew.
            while len(self._pages) > COPIES or next(iter(self._pages.values())).made < copy.made - STALE:
                self._pages.popitem(last=False)
        return copy

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()


copies = Copies()


class HotPages:
    """Serves a public page from a copy for `FRESH` seconds, so that a crowd of readers asks the database nothing.

    A page is public when its response says `Cache-Control: public`; it has no query, and sets no cookie.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"} or request.META.get("QUERY_STRING"):
            return self.get_response(request)
        key = (request.scheme or "", request.META.get("HTTP_HOST", ""), request.path_info)
        copy = copies.get(key)
        age = time.monotonic() - copy.made if copy else STALE
        if copy and age < FRESH:
            return _answer(request, copy)
        if copy and age < STALE and not copy.renewing.acquire(blocking=False):
            return _answer(request, copy)
        try:
            response = self._renew(request, key)
        finally:
            if copy and copy.renewing.locked() and age < STALE:
                copy.renewing.release()
        if copy and age < STALE and response.status_code >= 500:
            return _answer(request, copy)
        return response

    def _renew(self, request: HttpRequest, key: tuple[str, str, str]) -> HttpResponseBase:
        response = self.get_response(request)
        is_public = "public" in response.get("Cache-Control", "") and "X-Makeshift" not in response
        if (
            request.method == "GET"
            and is_public
            and response.status_code == 200
            and isinstance(response, HttpResponse)
            and not response.cookies
        ):
            return _answer(request, copies.put(key, response))
        return response


def _answer(request: HttpRequest, copy: Copy) -> HttpResponse:
    if copy.headers["ETag"] in request.META.get("HTTP_IF_NONE_MATCH", ""):
        kept = {name: value for name, value in copy.headers.items() if name != "Content-Type"}
        return HttpResponseNotModified(headers=kept)
    if "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", ""):
        response = HttpResponse(copy.zipped, headers=copy.headers)
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(copy.plain, headers=copy.headers)
    response["Content-Length"] = str(len(response.content))
    return response


class SiteHeaders:
    """The headers of every answer that Django has no setting for (SECURITY.md P8, P9).

    What is not said to be public is kept nowhere.
    """

    HEADERS: ClassVar = {
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }  # fmt: skip

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class Alive:
    """`/healthz` answers whatever the host, the scheme and the database."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        return self.get_response(request)


class LanguageFromUrl:
    """The language stands in the address, and nowhere else: no cookie, no guess, no `Vary`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # To the letter as `LANGUAGES` has it: /zh-Hans/ and /en/ are no addresses of ours.
        first = request.path_info.split("/", 2)[1] if request.path_info.startswith("/") else ""
        language = first if first in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def open_to_other_sites[View: Callable[..., HttpResponseBase]](view: View) -> View:
    """A view whose POST may come from anywhere: it needs a token that no other site can know, and no cookie."""
    view.is_open_to_other_sites = True  # type: ignore[attr-defined]  # as Django marks what is exempt from CSRF
    return view


class Guard:
    """Refuses a POST that another site made a browser send (DESIGN.md rule 8, SECURITY.md S25).

    Public forms carry no token, so that their pages can be cached; the browser itself says where a request comes from.
    Admin is left to Django's CSRF protection, which stands behind this one.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], *_arguments: Any
    ) -> HttpResponseBase | None:
        is_open = request.method in {"GET", "HEAD", "OPTIONS"} or getattr(view, "is_open_to_other_sites", False)
        return None if is_open or self.is_ours(request) else render(request, "403.html", status=403)

    @staticmethod
    def is_ours(request: HttpRequest) -> bool:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = request.headers.get("Origin", "null")
        return origin in {"null", f"{request.scheme}://{request.get_host()}", settings.SITE_URL}
