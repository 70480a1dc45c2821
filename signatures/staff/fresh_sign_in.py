"""Fresh sign-ins: dangerous admin pages ask for password and second factor again."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from signatures.staff import sessions


def fresh_sign_in[**P](view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """Decorate a view, or a method that is one, so that it asks for password and second factor after ten minutes.

    After signing in again, staff return to the page. A posted form is filled in again, and not sent by itself.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        request = next(argument for argument in args if isinstance(argument, HttpRequest))
        return view(*args, **kwargs) if sessions.is_fresh(request) else ask_to_sign_in_again(request)

    return guarded


class FreshSignIn(ModelAdmin):
    """Rows that can be changed only with a fresh sign-in. The list itself opens without one."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "POST" and not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        return super().changelist_view(request, extra_context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        return super().changeform_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not sessions.is_fresh(request):
            return ask_to_sign_in_again(request)
        return super().delete_view(request, *args, **kwargs)


def ask_to_sign_in_again(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that asks for password and second factor, and leads back from there.

    What was posted is not lost: `signatures.staff.middleware` keeps it, and fills the form in again.
    """
    return redirect(f"{reverse('admin:sign_in_again')}?{urlencode({'next': request.get_full_path()})}")
