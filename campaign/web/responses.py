"""Responses that several views give."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse


def see_other(name: str, *args: Any) -> HttpResponse:
    """Redirect with 303, so that the browser follows with GET and never sends the form again."""
    return HttpResponse(status=303, headers={"Location": reverse(name, args=args)})


def unavailable(request: HttpRequest) -> HttpResponse:
    """Answer 503: the site is there again in some seconds, by itself."""
    response = render(request, "503.html", status=503)
    response["Retry-After"] = "10"
    return response
