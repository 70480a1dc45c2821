"""What happens to every request: hot copies of public pages, headers, the language of the URL, the guard on POSTs."""

import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeGuard

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import cache_control

from campaign.web.page_cache import CachedPage, Key, PageCache

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# A text is kept for a second under the page (signatures/views/texts.py): the two stay below the five of rule 8.
FRESH_SECONDS = 3.0  # seconds a copy is served without asking
LATE_SECONDS = 4.0  # seconds after which a reader would rather wait for a new one than be shown who has left by now
WAIT_SECONDS = 1.0  # seconds from the beginning of its making for which readers wait, once; the database may be away
STALE_SECONDS = 60.0  # seconds it still serves while it is made anew, or while the database is down

public_page = cache_control(public=True, max_age=5, stale_while_revalidate=25)  # what `HotPages` goes by
page_cache = PageCache()


class PageCacheMiddleware:
    """Serves a public page from a copy for `FRESH` seconds, so that a crowd of readers asks the database nothing.

    A page is public when its response says `Cache-Control: public` and sets no cookie. One with a query is packed and
    marked alike, but never kept: there are too many of them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        now = time.monotonic()
        if request.META.get("QUERY_STRING"):
            response = self.get_response(request)
            return CachedPage.of(response, now).answer(request) if _is_public(response) else response
        key = (request.scheme or "", request.META.get("HTTP_HOST", ""), request.path_info)
        copy = page_cache.get(key)
        age = now - copy.made if copy else STALE_SECONDS
        if copy is None or age >= STALE_SECONDS:
            return self._make(request, key, now)
        if age < FRESH_SECONDS:
            return copy.answer(request)
        return self._renew(request, key, now, copy)

    def _renew(self, request: HttpRequest, key: Key, now: float, copy: CachedPage) -> HttpResponseBase:
        """The page made anew by the first who asks; the others have the copy, or wait a moment for what follows it."""
        copy.awaited = copy.awaited or now + WAIT_SECONDS
        if copy.renewing.acquire(blocking=False):
            try:
                return self._make(request, key, now, copy)
            finally:
                copy.renewing.release()
        if now - copy.made < LATE_SECONDS or not copy.renewing.acquire(timeout=max(0.0, copy.awaited - now)):
            return copy.answer(request)
        copy.renewing.release()
        newer = page_cache.get(key)
        return newer.answer(request) if newer else self._make(request, key, now)

    def _make(self, request: HttpRequest, key: Key, now: float, last: CachedPage | None = None) -> HttpResponseBase:
        """The page as it is now; the last copy of it while it cannot be made."""
        response = self.get_response(request)
        if last and (response.status_code >= 500 or "X-Makeshift" in response):
            return last.answer(request)
        page_cache.drop_older(now - STALE_SECONDS)
        if not _is_public(response):
            page_cache.drop(key)
            return response
        copy = CachedPage.of(response, now)
        page_cache.put(key, copy)
        return copy.answer(request)


def _is_public(response: HttpResponseBase) -> TypeGuard[HttpResponse]:
    return (
        response.status_code == 200
        and "public" in response.get("Cache-Control", "")
        and isinstance(response, HttpResponse)
        and not response.cookies
    )


class SiteHeadersMiddleware:
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


class HealthCheckMiddleware:
    """`/healthz` answers whatever the host, the scheme and the database."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain")
        return self.get_response(request)


class LanguageFromUrlMiddleware:
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


def accept_cross_origin_posts[View: Callable[..., HttpResponseBase]](view: View) -> View:
    """A view whose POST may come from anywhere: it needs a token that no other site can know, and no cookie."""
    view.is_open_to_other_sites = True  # type: ignore[attr-defined]  # as Django marks what is exempt from CSRF
    return view


def _is_too_large(request: HttpRequest) -> bool:
    """Django counts no files in this bound, and would write gigabytes to the disk before any view is asked."""
    told = request.META.get("CONTENT_LENGTH") or ""
    return told.isdecimal() and int(told[:18]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class SameOriginMiddleware:
    """Refuses a POST that another site made a browser send (DESIGN.md rule 8, SECURITY.md S25), or a huge one (S13).

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
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return None
        if _is_too_large(request) and not request.user.is_authenticated:
            raise RequestDataTooBig("More than any form of strangers takes.")
        is_open = getattr(view, "is_open_to_other_sites", False)
        return None if is_open or self.is_ours(request) else render(request, "403.html", status=403)

    @staticmethod
    def is_ours(request: HttpRequest) -> bool:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = request.headers.get("Origin", "null")
        return origin in {"null", f"{request.scheme}://{request.get_host()}", settings.SITE_URL}
