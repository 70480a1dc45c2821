"""Renders the pages of the mirror by the views that answer readers, called by address without a server."""

from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import Http404
from django.http.response import HttpResponse, HttpResponseBase
from django.urls import get_resolver, resolve
from django.utils import translation

from campaign.letters import reading
from campaign.web.mirror_request import MirrorRequest
from signatures.static_mirror.links import language_of


class NotAPage(Exception):
    """The site answers this address with something that is not a page."""


def render_page(address: str, on: date, **given: object) -> HttpResponse:
    """Returns what the site shows at an address, for a mirror of this day.

    Args:
        address: of a mirrored page.
        on: the day.
        given: more arguments for the view.

    Raises:
        Http404: there is no such page.
        NotAPage: the response cannot be written to a file.
    """
    parts = urlsplit(address)
    asked, path = reading.split(parts.path)
    with reading.reading(asked), translation.override(language_of(parts.path)):
        request = MirrorRequest(path, parts.query, on=on)
        request.resolver_match = match = resolve(path)
        response: HttpResponseBase = match.func(request, *match.args, **match.kwargs, **given)
    if response.status_code != 200 or not isinstance(response, HttpResponse):
        raise NotAPage(f"{address}: {response.status_code}")
    return response


def render_not_found(on: date) -> str:
    """Returns the page for an address that does not exist."""
    view: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(404)
    response = view(MirrorRequest("/", "", on=on), Http404())
    return response.content.decode()


def read_static(name: str) -> bytes:
    with staticfiles_storage.open(name) as file:
        return bytes(file.read())
