"""Answers that several pages give."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse


def see_other(name: str, *args: Any) -> HttpResponse:
    """303: what follows is read, not sent again."""
    return HttpResponse(status=303, headers={"Location": reverse(name, args=args)})
