"""Query parameters: each view declares those it reads, and no other reaches it (threat model S38).

So an address with a parameter of some network's own, or of somebody who wants to keep the site busy, is the same page
as the address without it, and comes from the page cache.
"""

from collections.abc import Callable
from urllib.parse import unquote_plus

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils import translation

from campaign.letters import reading
from campaign.web.middleware import Middleware, language_of

MAX_PARAMETERS = 50  # of an address that are looked at


def query_parameters[View: Callable[..., HttpResponseBase]](*names: str) -> Callable[[View], View]:
    """Declare the query parameters that a view reads. A view without this reads none."""

    def declare(view: View) -> View:
        view.query_parameters = frozenset(names)  # type: ignore[attr-defined]  # as Django marks CSRF-exempt views
        return view

    return declare


class QueryParametersMiddleware(Middleware):
    """Removes the query parameters that the view has not declared, and empty ones. Pages of admin keep all."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING")
        if query and not request.path_info.startswith(f"/{settings.ADMIN_PATH}"):
            request.META["QUERY_STRING"] = _declared(reading.split(request.path_info)[1], query)
        return self.get_response(request)


def _declared(path: str, query: str) -> str:
    view = view_of(path)
    return query if view is None else read_by(view, query)  # of a static file, or of no page


def view_of(path: str) -> Callable[..., HttpResponseBase] | None:
    """Returns the view of an address, without a language of the letter before it; None where there is no page."""
    try:
        with translation.override(language_of(path)):
            view: Callable[..., HttpResponseBase] = resolve(path).func
    except Resolver404:
        return None
    return view


def read_by(view: Callable[..., HttpResponseBase] | None, query: str) -> str:
    """Returns what the view reads of a query."""
    names: frozenset[str] = getattr(view, "query_parameters", frozenset())
    parameters = query.split("&", MAX_PARAMETERS)[:MAX_PARAMETERS] if names else ()
    return "&".join(filter(None, (_kept(parameter, names) for parameter in parameters)))


def _kept(parameter: str, names: frozenset[str]) -> str:
    name, _sign, value = parameter.partition("=")
    return parameter if value and unquote_plus(name) in names else ""
