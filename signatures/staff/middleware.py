"""Forms that come back: what staff send after their sign-in has ended is kept, and filled in once they are back.

One mechanism for every form of admin (threat model A20). Nothing is sent again by itself.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeGuard
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django_otp import middleware as otp

from campaign import formats
from signatures.staff import kept_forms, sessions
from signatures.staff.refused_saves import with_what_was_typed
from signatures.values import html_forms

OWNER_DAYS = 7


class _OfAdmin(MiddlewareMixin):
    """Passes by requests of public pages, which know no accounts: every sign-up would pay for it."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return super().__call__(request) if sessions.is_admin_page(request) else self.get_response(request)


class SessionMiddleware(_OfAdmin, middleware.SessionMiddleware): ...


class AuthenticationMiddleware(_OfAdmin, auth.AuthenticationMiddleware): ...


class MessageMiddleware(_OfAdmin, messages.MessageMiddleware): ...


class OTPMiddleware(otp.OTPMiddleware):  # type: ignore[misc]  # django-otp comes without types
    def __call__(self, request: HttpRequest) -> Any:
        return super().__call__(request) if sessions.is_admin_page(request) else self.get_response(request)


def keeps_no_form[View: Callable[..., HttpResponseBase]](view: View) -> View:
    """Mark a view whose form holds passwords or codes: what it is sent is never kept."""
    view.keeps_no_form = True  # type: ignore[attr-defined]  # as Django marks CSRF-exempt views
    return view


class KeptFormMiddleware:
    """Keeps a posted form when the answer is to sign in, and fills it into its page afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not sessions.is_admin_page(request):
            return self.get_response(request)
        # For the guard of large requests, which would refuse a file, and what was typed beside it, from a stranger.
        request.is_from_staff_browser = _remembered_owner(request) is not None  # type: ignore[attr-defined]
        with formats.for_staff():
            response = self.get_response(request)
        if request.method == "POST" and _is_form(request):
            response = with_what_was_typed(request, _keep_or_discard(request, response))
        elif request.method == "GET" and admin.site.has_permission(request) and not _asks_to_sign_in(response):
            response = _fill_in(request, response)
        _remember_owner(request, response)
        return response


def _is_form(request: HttpRequest) -> bool:
    """Whether a person sent a form that may be kept: what a script of the page asks meanwhile is none."""
    view = request.resolver_match.func if request.resolver_match else None
    is_of_script = request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    return not is_of_script and not getattr(view, "keeps_no_form", False)


def _asks_to_sign_in(response: HttpResponseBase) -> bool:
    return urlsplit(response.get("Location", "")).path in {reverse("admin:login"), reverse("admin:sign_in_again")}


def _has_old_token(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether the CSRF check refused our own page: it was opened before a login in another tab."""
    is_our_page = request.headers.get("Sec-Fetch-Site") == "same-origin"
    return response.status_code == 403 and is_our_page and not getattr(request, "csrf_processing_done", False)


def _keep_or_discard(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    account_id, page = _owner(request), _page_of_form(request)
    has_old_token = _has_old_token(request, response)
    if not _asks_to_sign_in(response) and not has_old_token:
        if account_id is not None:
            kept_forms.discard(account_id, page)
            if request.session.get(sessions.KEPT_KEY):
                request.session[sessions.KEPT_KEY] = kept_forms.has_any(account_id)
        return response
    if account_id is not None:
        values = {name: [str(value) for value in typed] for name, typed in request.POST.lists()}
        kept_forms.keep(account_id, page, kept_forms.Form(request.path, values, sorted(request.FILES)))
    if has_old_token and account_id is None:
        return response
    if has_old_token and admin.site.has_permission(request):
        request.session[sessions.KEPT_KEY] = True
        return redirect(page)
    target = reverse("admin:login") if has_old_token else urlsplit(response["Location"]).path
    return redirect(f"{target}?{urlencode({'next': page, 'sent': 'lost' if account_id is None else 'kept'})}")


def _page_of_form(request: HttpRequest) -> str:
    """Returns path and query of the page that holds the form: the one it was sent from, if that is a page of admin."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc == request.get_host() and referer.path.startswith(f"/{settings.ADMIN_PATH}"):
        return referer._replace(scheme="", netloc="", fragment="").geturl()
    return request.get_full_path()


def _fill_in(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Fill in the form that waits for this page. Show it as text where the page does not have it any more."""
    page = request.get_full_path()
    form = kept_forms.find(request.user.pk or 0, page) if request.session.get(sessions.KEPT_KEY) else None
    if form is None:
        return response
    if not _is_page(response):
        context = {"title": "What you had filled in", **admin.site.each_context(request)}
        gone = html_forms.FilledPage(None, html_forms.without_empty(form.values), has_form=False)
        context |= _notice(page, form, gone)
        return render(request, "admin/sign_in/kept_form_page.html", context)
    filled = html_forms.fill(response.content.decode(), address=page, path=form.path, values=form.values)
    notice = render_to_string("admin/sign_in/kept_form.html", _notice(page, form, filled), request)
    response.content = filled.with_notice(notice)
    return response


def _notice(page: str, form: kept_forms.Form, filled: html_forms.FilledPage) -> dict[str, Any]:
    """Returns the context of the notice.

    Without its form it can send what a person typed, and the hidden rest; not where these tell of rows that are shown
    nowhere now.
    """
    told = html_forms.TELL_WHAT_IS_SHOWN & form.values.keys()
    left_over = {name: texts for name, texts in filled.left_over.items() if name not in told}
    typed = {name: texts for name, texts in left_over.items() if html_forms.is_for_people(name)}
    can_send = not (filled.has_form or told)
    hidden = {name: texts for name, texts in left_over.items() if name not in typed} if can_send else {}
    return {
        "page": page, "path": form.path, "files": form.files, "left_over": typed, "hidden": hidden,
        "has_form": filled.has_form, "shows_other": filled.shows_other, "can_send": can_send,
    }  # fmt: skip


def _is_page(response: HttpResponseBase) -> TypeGuard[HttpResponse]:
    is_html = response.get("Content-Type", "").startswith("text/html")
    return is_html and response.status_code == 200 and isinstance(response, HttpResponse)


# The cookie that tells whose forms a browser sends, also once the session is over. It opens nothing.


def _cookie_name() -> str:
    return "__Host-form-owner" if settings.SESSION_COOKIE_SECURE else "form-owner"


def _owner(request: HttpRequest) -> int | None:
    """Returns the account whose form this is: that of the session, else the last one that was signed in here."""
    return request.user.pk if request.user.is_authenticated else _remembered_owner(request)


def _remembered_owner(request: HttpRequest) -> int | None:
    max_age = OWNER_DAYS * 24 * 60 * 60
    account_id = request.get_signed_cookie(_cookie_name(), default="", salt="signatures.form-owner", max_age=max_age)
    return int(account_id) if account_id else None


def _remember_owner(request: HttpRequest, response: HttpResponseBase) -> None:
    if not admin.site.has_permission(request) or _remembered_owner(request) == request.user.pk:
        return
    response.set_signed_cookie(
        _cookie_name(),
        str(request.user.pk),
        salt="signatures.form-owner",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
