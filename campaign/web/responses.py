"""Responses that several views give."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.translation import get_language


def see_other(name: str, *args: Any) -> HttpResponse:
    """Redirect with 303, so that the browser follows with GET and never sends the form again."""
    return HttpResponse(status=303, headers={"Location": reverse(name, args=args)})


def see_page_of_letter(name: str, slug: str) -> HttpResponse:
    """Redirect as `see_other` does, to a page of a letter that exists. The few addresses of these are kept."""
    address = _address(name, slug, get_language(), get_script_prefix(), get_urlconf())
    return HttpResponse(status=303, headers={"Location": address})


@lru_cache(maxsize=1024)
def _address(name: str, slug: str, _language: str | None, _prefix: str, urlconf: str | None) -> str:
    return reverse(name, urlconf, [slug])


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503: the site is there again in some seconds, by itself."""
    response = render(request, "503.html", status=503)
    response["Retry-After"] = "10"
    return response
