"""Middleware of every request: cached public pages, headers, the language of the URL, the guard of POST requests."""

import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeGuard

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from campaign.letters import reading
from campaign.web.page_cache import PAGE, CachedPage, Key, PageCache
from campaign.web.responses import unavailable

# The text cache adds a second; together they stay below the five seconds of architecture, rule 8.
FRESH_SECONDS = 3.0  # age in seconds up to which a cached page is served without asking the database
LATE_SECONDS = 4.0  # age in seconds from which readers wait for a rebuild rather than see names that may be withdrawn
WAIT_SECONDS = 1.0  # longest wait in seconds for a rebuild, counted from its start: the database may not answer
STALE_SECONDS = 60.0  # maximum age in seconds of a page served during a rebuild, or while the database is unavailable
RETRY_SECONDS = 2.0  # after a rebuild that failed, the page is served without another try

# How long a cache in front may keep a page, in seconds: meanwhile it shows a name that was withdrawn. So nobody needs
# to purge it, and no purge can be lost. Not `s-maxage`, which forbids stale pages (RFC 9111, section 5.2.2.10).
KEPT_IN_FRONT = {"public": True, "max_age": 5, "stale_while_revalidate": 5, "stale_if_error": int(STALE_SECONDS)}
FORM_BYTES = 64 * 1024  # of the body of a public form: twice what the longest words that one takes are on the wire
page_cache = PageCache()
HEALTH_PATH = "/healthz"


def public_page[**Arguments](view: Callable[Arguments, HttpResponse]) -> Callable[Arguments, HttpResponse]:
    """Mark a view for `PageCacheMiddleware`. It takes no POST, and says so (405) rather than ask for a token."""
    return csrf_exempt(cache_control(**KEPT_IN_FRONT)(view))


class Middleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


class PageCacheMiddleware(Middleware):
    """Serves public pages from memory for `FRESH_SECONDS`, so that many readers cause few queries.

    A page is public if its response has `Cache-Control: public` and sets no cookie. A page with a query string gets
    the same compression and ETag, but is not kept: there are too many of them.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return self.get_response(request)
        now = time.monotonic()
        if request.META.get("QUERY_STRING"):
            response = self.get_response(request)
            return CachedPage.from_response(response, now).respond(request) if _is_public(response) else response
        key = _key(request)
        if key is None:
            return self.get_response(request)
        page = _usable_page(key, now)
        if page is None:
            return self._build(request, key, now)
        if _is_good_enough(page, now):
            return page.respond(request)
        return self._rebuild(request, key, now, page)

    def _rebuild(self, request: HttpRequest, key: Key, now: float, page: CachedPage) -> HttpResponseBase:
        """Rebuild the page in the first thread that asks. The others get the old page, or wait for the new one."""
        page.wait_until = page.wait_until or now + WAIT_SECONDS
        if page.rebuild_lock.acquire(blocking=False):
            try:
                return self._build(request, key, now, page)
            finally:
                page.rebuild_lock.release()
        is_late = now - page.created >= LATE_SECONDS
        if not is_late or not page.rebuild_lock.acquire(timeout=max(0.0, page.wait_until - now)):
            return page.respond(request)
        page.rebuild_lock.release()
        rebuilt = page_cache.get(key)
        return rebuilt.respond(request) if rebuilt else self._build(request, key, now)

    def _build(
        self, request: HttpRequest, key: Key, now: float, previous: CachedPage | None = None
    ) -> HttpResponseBase:
        """Render the page and keep it. If that fails, answer with the previous version."""
        response = self.get_response(request)
        if previous and (response.status_code >= 500 or "X-Degraded" in response):
            previous.retry_at = time.monotonic() + RETRY_SECONDS
            if _is_public(response):
                previous.makeshift = CachedPage.from_response(response, now, is_kept=True)
            return previous.respond(request)
        page_cache.drop_older(now - STALE_SECONDS)
        if not _is_public(response):
            page_cache.drop(key)
            return response
        match = request.resolver_match
        page = CachedPage.from_response(response, now, match.view_name if match else "", is_kept=True)
        answer = page.respond(request)
        for coding in tuple(previous.compressed) if previous else ():
            page.encoded(coding)  # before anybody finds it: a page that is not there in a coding takes a thread
        page_cache.put(key, page)
        return answer


def _key(request: HttpRequest) -> Key | None:
    """Returns what the page depends on; None for a host that is not ours, which Django refuses.

    The host is no part of it: all addresses on pages begin with `SITE_URL`. Otherwise each spelling of a host, such as
    another port, would be a page of its own, and whoever makes them up would have every one of them built.
    """
    try:
        request.get_host()
    except DisallowedHost:
        return None
    return request.scheme or "", request.path_info


def _usable_page(key: Key, now: float) -> CachedPage | None:
    page = page_cache.get(key)
    if page and page.makeshift and now - page.created >= STALE_SECONDS:
        page = page.makeshift
        page_cache.put(key, page)
    return page if page and now - page.created < STALE_SECONDS else None


def _is_good_enough(page: CachedPage, now: float) -> bool:
    return now - page.created < FRESH_SECONDS or now < page.retry_at


def may_be_in_memory(method: str, path: str) -> bool:
    """Returns whether `answer_from_memory` may have a response to such a request: never to a form that was sent."""
    return method in {"GET", "HEAD"} or path == HEALTH_PATH


def answer_from_memory(request: HttpRequest, *, is_late: bool = False) -> HttpResponse | None:
    """Returns a response that takes neither a thread nor the database; None when the request needs them.

    Args:
        request: any request, before the first middleware.
        is_late: whether the request has waited for a thread or a rebuild for too long. Then a stale page will do.
    """
    if request.path_info == HEALTH_PATH:
        request.META[PAGE] = "health"
        return healthy(request)
    if request.method not in {"GET", "HEAD"} or request.META.get("QUERY_STRING"):
        return None
    now = time.monotonic()
    key = _key(request)
    page = _usable_page(key, now) if key else None
    if page is None:
        return None
    is_being_rebuilt = page.rebuild_lock.locked() and (now - page.created < LATE_SECONDS or page.wait_until <= now)
    is_usable = is_late or is_being_rebuilt or _is_good_enough(page, now)
    return page.respond_at_once(request, plain_will_do=is_late) if is_usable else None


def _is_public(response: HttpResponseBase) -> TypeGuard[HttpResponse]:
    return (
        response.status_code == 200
        and "public" in response.get("Cache-Control", "")
        and isinstance(response, HttpResponse)
        and not response.cookies
    )


class SiteHeadersMiddleware(Middleware):
    """Sets the security headers for which Django has no setting (threat model P8, P9).

    Responses that are not public get `Cache-Control: no-store`, and no search engine shows them.
    """

    HEADERS: ClassVar = {
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
        "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
    }  # fmt: skip

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.HEADERS.items():
            response.headers.setdefault(name, value)
        if "no-store" in response.headers["Cache-Control"]:
            response.headers["X-Robots-Tag"] = "noindex"
        return response


@require_safe
def healthy(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


OVERLOADED = "undersigned.overloaded"  # key in `META` of a request that found no thread in time


class OverloadMiddleware(Middleware):
    """Answers 503 to a request for which the web server has no thread (threat model S36)."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return unavailable(request) if request.META.get(OVERLOADED) else self.get_response(request)


def language_of(path: str) -> str:
    """Returns the language of an address, by its prefix exactly as in `LANGUAGES`: /zh-Hans/ is no address."""
    prefix = path.split("/", 2)[1] if path.startswith("/") else ""
    return prefix if prefix in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


class LanguageFromUrlMiddleware(Middleware):
    """Takes the language from the address alone: no cookie, no `Accept-Language`, no `Vary`.

    Before it may stand a language in which the letter is read, and no page is. Nothing but public pages is found there.
    """

    PUBLIC_PAGES = "campaign.public_urls"

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked, request.path_info = reading.split(request.path_info)
        if asked:
            request.urlconf = self.PUBLIC_PAGES
        language = language_of(request.path_info)
        with reading.reading(asked, is_strict=bool(asked)), translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


def read_only[**Arguments, Response: HttpResponseBase](
    view: Callable[Arguments, Response],
) -> Callable[Arguments, Response]:
    """Mark a view that changes nothing: to another method it says so (405), and asks for no token."""
    return csrf_exempt(require_safe(view))


def public_form[**Arguments](
    view: Callable[Arguments, HttpResponse], *, most_bytes: int = FORM_BYTES
) -> Callable[Arguments, HttpResponse]:
    """Mark the view of a public form: nothing that it was sent is in an error report, and it needs no CSRF token.

    `SameOriginMiddleware` stands in for the token.

    Args:
        view: answers with the form.
        most_bytes: of a body. What was typed is shown again when something is wrong with it, and in HTML a character
            may be six.
    """
    hidden = sensitive_post_parameters()(sensitive_variables()(view))
    form = csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(hidden))
    form.most_bytes = most_bytes  # type: ignore[attr-defined]  # as Django marks CSRF-exempt views
    return form


def accept_cross_origin_posts[View: Callable[..., HttpResponseBase]](view: View) -> View:
    """Mark a view that other sites may POST to. It must need no cookie, and a token that other sites cannot know."""
    view.accepts_cross_origin_posts = True  # type: ignore[attr-defined]  # as Django marks CSRF-exempt views
    return view


def _is_too_large(request: HttpRequest, view: Callable[..., HttpResponseBase]) -> bool:
    """Returns whether the body is too large. Django's own limit leaves out files, which may fill the disk."""
    length = request.META.get("CONTENT_LENGTH") or ""
    most: int = getattr(view, "most_bytes", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    return length.isdecimal() and int(length[:18]) > most


def _is_from_staff(request: HttpRequest) -> bool:
    """Returns whether staff sent it. Public pages know no accounts: there it is False for everybody."""
    user = getattr(request, "user", None)
    return bool(user and user.is_authenticated) or getattr(request, "is_from_staff_browser", False)


class SameOriginMiddleware(Middleware):
    """Refuses a POST that another site made a browser send (threat model S25), or that is too large (S13).

    Public forms carry no CSRF token, so that their pages can be cached (architecture, rule 8); the headers of the
    browser say where a request comes from. Admin pages also have Django's CSRF protection, which runs after this.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], *_arguments: Any
    ) -> HttpResponseBase | None:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            return None
        if _is_too_large(request, view) and not _is_from_staff(request):
            raise RequestDataTooBig("The request body is larger than any public form needs.")
        is_exempt = getattr(view, "accepts_cross_origin_posts", False)
        return None if is_exempt or self.is_same_origin(request) else render(request, "403.html", status=403)

    @staticmethod
    def is_same_origin(request: HttpRequest) -> bool:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site in {"same-origin", "none"}
        origin = request.headers.get("Origin", "null")
        return origin in {"null", f"{request.scheme}://{request.get_host()}", settings.SITE_URL}
