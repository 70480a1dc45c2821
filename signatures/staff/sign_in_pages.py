"""What the pages of signing in have in common: where they lead next, and who has given the password."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from signatures.staff.login_attempts import LoginAttempts

get_or_post = require_http_methods(["GET", "HEAD", "POST"])
hide_posted_values = sensitive_post_parameters()  # from error reports


def next_url(request: HttpRequest) -> str:
    """Returns the page to open next: an admin page, never another site (threat model P10)."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    is_admin_page = url.startswith(f"/{settings.ADMIN_PATH}") and url_has_allowed_host_and_scheme(url, None)
    return url if is_admin_page else reverse("admin:index")


def page(
    site: AdminSite, request: HttpRequest, name: str, title: Any, status: int = 200, **context: Any
) -> HttpResponse:
    general = {"title": title, "next": next_url(request), "sent": request.GET.get("sent")}
    context = {**site.each_context(request), **general, **context}
    return render(request, f"admin/sign_in/{name}.html", context, status=status)


def posted(request: HttpRequest) -> Any:
    """Returns the data for a form: what was posted, even if it is empty; None for a GET."""
    return request.POST if request.method == "POST" else None


def redirect_to(name: str, request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse(f'admin:{name}')}?{urlencode({'next': next_url(request)})}")


def locked_page(site: AdminSite, request: HttpRequest, attempts: LoginAttempts, account_id: int | None) -> HttpResponse:
    attempts.record_lock(account_id)
    return page(site, request, "locked", "Too many attempts", status=429)


def person_of(request: HttpRequest) -> User | None:
    """Returns the account whose password was given in this session."""
    user = request.user
    return User.objects.get(pk=user.pk) if user.is_authenticated and user.is_active and user.is_staff else None
