"""The pages of a copy, made by the very views that answer readers; asked by address, without a server between."""

from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import Http404
from django.http.response import HttpResponse, HttpResponseBase
from django.urls import get_resolver, resolve
from django.utils import translation

from campaign.web.mirror_request import MirrorRequest
from signatures.static_mirror.links import language_of


class NotAPage(Exception):
    """The site itself answers this address with something else than a page."""


def render_page(address: str, on: date) -> HttpResponse:
    """What the site shows there, for a copy of this day.

    Raises:
        Http404: when there is nothing.
        NoPage: when the answer is none that a file can hold.
    """
    parts = urlsplit(address)
    with translation.override(language_of(parts.path)):
        request = MirrorRequest(parts.path, parts.query, on=on)
        request.resolver_match = found = resolve(parts.path)
        answer: HttpResponseBase = found.func(request, *found.args, **found.kwargs)
    if answer.status_code != 200 or not isinstance(answer, HttpResponse):
        raise NotAPage(f"{address}: {answer.status_code}")
    return answer


def render_not_found(on: date) -> str:
    """The page for an address that does not exist."""
    view: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(404)
    answer = view(MirrorRequest("/", "", on=on), Http404())
    return answer.content.decode()


def read_static(name: str) -> bytes:
    with staticfiles_storage.open(name) as file:
        return bytes(file.read())
