"""Responses that several views give."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse


def see_other(name: str, *args: Any) -> HttpResponse:
    """Redirect with 303, so that the browser follows with GET and never sends the form again."""
    return HttpResponse(status=303, headers={"Location": reverse(name, args=args)})
