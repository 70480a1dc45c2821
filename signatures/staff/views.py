"""The pages of signing in: password, forgotten password, and signing in again before dangerous actions.

Each view takes the admin site. The rules are in `staff.accounts`, `staff.second_factor` and `staff.login_attempts`.
"""

import unicodedata
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import login as log_in
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from campaign.web.client_network import client_network
from signatures.audit import audit_log
from signatures.audit.admin_mixins import staff_id
from signatures.registries import AuditAction
from signatures.staff import accounts, kept_forms, known_browsers, second_factor, sessions
from signatures.staff.forms import MAX_LOGIN_NAME, ForgottenPasswordForm, LoginForm, SignInAgainForm
from signatures.staff.login_attempts import LoginAttempts, PasswordAttempts
from signatures.staff.second_factor_views import passkey_context
from signatures.staff.sign_in_pages import (
    get_or_post,
    hide_posted_values,
    locked_page,
    next_url,
    page,
    person_of,
    posted,
    redirect_to,
)


@hide_posted_values
@get_or_post
def login_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asks for user name or email address, and password. The second factor follows."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return (
                redirect(next_url(request)) if site.has_permission(request) else redirect_to("second_factor", request)
            )
        return page(site, request, "login", "Log in", form=LoginForm(request))
    typed = request.POST.get("username", "")[:MAX_LOGIN_NAME].replace("\0", "")
    username = unicodedata.normalize("NFKC", typed).strip()
    account_id = accounts.find_account_id(username)
    browser = known_browsers.browser_of(request, account_id) if account_id else None
    attempts = PasswordAttempts(username, account_id, client_network(request), browser=browser)
    if attempts.are_exhausted:
        return locked_page(site, request, attempts, account_id)
    form = LoginForm(request, request.POST)
    if form.is_valid() and attempts.is_account_exhausted:
        form.add_error(None, form.get_invalid_login_error())
    if not form.is_valid():
        attempts.record_failure(AuditAction.LOGIN_FAILED, account_id)
        return page(site, request, "login", "Log in", form=form)
    attempts.reset()
    request.session.flush()  # so that the session gets a new key
    person = form.get_user()
    log_in(request, person)
    if not site.has_permission(request):
        return redirect_to("second_factor", request)
    sessions.record_login(person)
    return redirect(next_url(request))


@hide_posted_values
@get_or_post
def sign_in_again_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asks for password and second factor again before a dangerous action. The action itself is not repeated."""
    person = person_of(request)
    if person is None:
        return redirect_to("login", request)
    form = SignInAgainForm(posted(request))
    is_enrolled = second_factor.is_enrolled(person.pk)
    if not is_enrolled:
        del form.fields["code"], form.fields["challenge"], form.fields["passkey"]
    if request.method == "POST":
        # By session, not by network: only whoever is signed in comes here, and a neighbor must not keep them out.
        attempts = LoginAttempts(f"again {person.pk}", f"session {request.session.session_key}")
        if attempts.are_exhausted:
            return locked_page(site, request, attempts, person.pk)
        if form.is_valid() and _is_correct(person, form.cleaned_data):
            attempts.reset()
            sessions.mark_fresh(request)
            audit_log.record(AuditAction.LOGIN_AGAIN, staff_id=person.pk)
            return redirect(next_url(request))
        attempts.record_failure(AuditAction.LOGIN_FAILED, person.pk)
        if not form.errors:
            form.add_error(None, "The password, or the code or passkey, is wrong.")
    context = passkey_context(request, person) if is_enrolled else {}
    return page(site, request, "sign_in_again", "Please sign in again", form=form, **context)


def _is_correct(person: User, typed: dict[str, Any]) -> bool:
    """Whether password and second factor are correct. A wrong password does not use up the code."""
    if not person.check_password(typed["password"]):
        return False
    if "code" not in typed:
        return True
    if typed["passkey"]:
        return second_factor.verify_passkey(person, typed) is not None
    return bool(typed["code"]) and second_factor.verify_code(person, typed["code"]) is not None


@require_POST
def discard_kept_form(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Forgets a form that was filled in again, and opens its page without it."""
    kept_forms.discard(staff_id(request), next_url(request))
    return redirect(next_url(request))


@get_or_post
def forgotten_password_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Emails a link for a new password. The page says the same whether the account exists or not."""
    form = ForgottenPasswordForm(posted(request))
    if request.method != "POST" or not form.is_valid():
        return page(site, request, "forgotten_password", "New password", form=form)
    browser = known_browsers.browser_of_staff(request)
    accounts.request_password_reset(form.cleaned_data["name"], network=client_network(request), browser=browser)
    return page(site, request, "forgotten_password", "New password", is_sent=True)


@method_decorator(hide_posted_values, name="dispatch")
class SetPasswordView(PasswordResetConfirmView):
    """The page behind the links in invitations and in emails about a forgotten password."""

    template_name = "admin/sign_in/set_password.html"
    site: ClassVar[Any] = None

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active and user.is_staff else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        title = "Choose a password" if self.validlink else "This link does not work"
        return {**self.site.each_context(self.request), **context, "title": title}

    def form_valid(self, form: Any) -> HttpResponse:
        accounts.set_password(form.user, form.cleaned_data["new_password1"])
        self.request.session.flush()
        messages.success(self.request, "Your password is set. Please log in with it.")
        return redirect("admin:login")
