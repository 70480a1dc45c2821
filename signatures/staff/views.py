"""The pages of signing in: password, second factor, forgotten password, and signing in again before dangerous actions.

Each view takes the admin site. The rules are in `staff.accounts`, `staff.second_factor` and `staff.login_attempts`.
"""

import unicodedata
from typing import Any, ClassVar
from urllib.parse import urlencode

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login as log_in
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login as log_in_with_factor
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice

from campaign.web.client_network import client_network
from signatures.audit import audit_log
from signatures.audit.admin_mixins import staff_id
from signatures.registries import AuditAction
from signatures.staff import accounts, known_browsers, second_factor, sessions
from signatures.staff.forms import CodeForm, ForgottenPasswordForm, SignInAgainForm
from signatures.staff.login_attempts import CodeAttempts, LoginAttempts

PENDING = "pending-second-factor"  # session key of the secret that is being set up

get_or_post = require_http_methods(["GET", "HEAD", "POST"])
hide_posted_values = sensitive_post_parameters()  # from error reports


def next_url(request: HttpRequest) -> str:
    """Returns the page to open next: an admin page, never another site (threat model P10)."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    is_admin_page = url.startswith(f"/{settings.ADMIN_PATH}") and url_has_allowed_host_and_scheme(url, None)
    return url if is_admin_page else reverse("admin:index")


def _page(
    site: AdminSite, request: HttpRequest, name: str, title: Any, status: int = 200, **context: Any
) -> HttpResponse:
    context = {**site.each_context(request), "title": title, "next": next_url(request), **context}
    return render(request, f"admin/sign_in/{name}.html", context, status=status)


def _posted(request: HttpRequest) -> Any:
    """Returns the data for a form: what was posted, even if it is empty; None for a GET."""
    return request.POST if request.method == "POST" else None


def _redirect_to(name: str, request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse(f'admin:{name}')}?{urlencode({'next': next_url(request)})}")


def _locked_page(
    site: AdminSite, request: HttpRequest, attempts: LoginAttempts, account_id: int | None
) -> HttpResponse:
    attempts.record_lock(account_id)
    return _page(site, request, "locked", "Too many attempts", status=429)


@hide_posted_values
@get_or_post
def login_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asks for user name and password. The second factor follows."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return (
                redirect(next_url(request)) if site.has_permission(request) else _redirect_to("second_factor", request)
            )
        return _page(site, request, "login", "Log in", form=AdminAuthenticationForm(request))
    username = unicodedata.normalize("NFKC", request.POST.get("username", "")[:150])
    attempts = LoginAttempts(f"password {username}", client_network(request))
    if attempts.are_exhausted:
        return _locked_page(site, request, attempts, accounts.find_account_id(username.replace("\0", "")))
    form = AdminAuthenticationForm(request, request.POST)
    if not form.is_valid():
        attempts.record_failure(
            AuditAction.LOGIN_FAILED, accounts.find_account_id(form.cleaned_data.get("username", ""))
        )
        return _page(site, request, "login", "Log in", form=form)
    attempts.reset()
    request.session.flush()  # so that the session gets a new key
    log_in(request, form.get_user())
    if not site.has_permission(request):
        return _redirect_to("second_factor", request)
    audit_log.record(AuditAction.LOGIN, staff_id=request.user.pk)
    return redirect(next_url(request))


@hide_posted_values
@get_or_post
def second_factor_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asks for the second factor after the password. Whoever is signed in sees the state of their second factor."""
    person = _person(request)
    if person and site.has_permission(request):
        context = {
            "is_enrolled": second_factor.is_enrolled(person.pk),
            "codes_left": second_factor.recovery_codes_left(person.pk),
        }
        return _page(site, request, "own_second_factor", "Your second factor", **context)
    if person is None or not sessions.is_fresh(request):
        request.session.flush()
        return _redirect_to("login", request)
    if not second_factor.is_enrolled(person.pk):
        return _redirect_to("enroll", request)
    form = CodeForm(_posted(request))
    response = _check_code(site, request, person, form) if request.method == "POST" else None
    return response or _page(site, request, "second_factor", "Second factor", form=form)


def _check_code(site: AdminSite, request: HttpRequest, person: User, form: CodeForm) -> HttpResponse | None:
    """Returns the response to a code; None when it is wrong, with an error in the form."""
    attempts = CodeAttempts(
        person.pk,
        client_network(request),
        browser=known_browsers.browser_of(request, person.pk),
        is_guessable=second_factor.is_app_code(request.POST.get("code", "")),
    )
    if attempts.are_exhausted:
        return _locked_page(site, request, attempts, person.pk)
    device = second_factor.verify_code(person, form.cleaned_data["code"]) if form.is_valid() else None
    if device:
        attempts.reset()
        return _log_in(request, device)
    attempts.record_failure(AuditAction.SECOND_FACTOR_FAILED, person.pk)
    form.add_error("code", "This code is wrong, or was used before. Please wait for the next one.")
    return None


def _log_in(request: HttpRequest, device: Device) -> HttpResponse:
    """Complete the login with the second factor. Returns the redirect to the next page."""
    log_in_with_factor(request, device)
    request.session.cycle_key()
    account_id = staff_id(request)
    is_recovery_code = isinstance(device, StaticDevice)
    audit_log.record(
        AuditAction.LOGIN, staff_id=account_id, detail={"by": "recovery-code" if is_recovery_code else "app"}
    )
    if is_recovery_code:
        left = second_factor.recovery_codes_left(account_id)
        messages.warning(request, f"{left} recovery code{pluralize(left, ' is,s are')} left.")
    response = redirect(next_url(request))
    known_browsers.remember(response, account_id)
    return response


def _person(request: HttpRequest) -> User | None:
    """Returns the account whose password was given in this session."""
    user = request.user
    return User.objects.get(pk=user.pk) if user.is_authenticated and user.is_active and user.is_staff else None


@hide_posted_values
@get_or_post
def enroll_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Sets up the second factor, for accounts without one, and for signed-in staff who want another."""
    person = _person(request)
    is_signed_in = site.has_permission(request)
    if person is None or (not is_signed_in and second_factor.is_enrolled(person.pk)):
        return _redirect_to("second_factor", request)
    if not sessions.is_fresh(request):
        return _redirect_to("sign_in_again" if is_signed_in else "second_factor", request)
    key = request.session.setdefault(PENDING, second_factor.new_totp_key())
    form = CodeForm(_posted(request))
    if request.method == "POST" and form.is_valid():
        code, session_key = form.cleaned_data["code"], request.session.session_key
        if enrolled := second_factor.enroll(person, key, code, keep_session=session_key):
            device, recovery_codes = enrolled
            del request.session[PENDING]
            _log_in(request, device)
            response = _page(site, request, "recovery_codes", "Recovery codes", codes=recovery_codes)
            known_browsers.remember(response, person.pk)
            return response
        form.add_error("code", "This code does not belong to the secret above. Please wait for the next one.")
    qr_code = segno.make(second_factor.provisioning_uri(person, key), error="m")
    context: dict[str, Any] = {
        "qr_code": SafeString(qr_code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)),
        "secret": second_factor.grouped_base32(key),
    }
    return _page(site, request, "enroll", "Second factor", form=form, **context)


@hide_posted_values
@get_or_post
def recovery_codes_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Makes ten new recovery codes and shows them once."""
    person = _person(request)
    if request.method != "POST" or person is None or not second_factor.is_enrolled(person.pk):
        return redirect("admin:second_factor")
    return _page(site, request, "recovery_codes", "Recovery codes", codes=second_factor.replace_recovery_codes(person))


@hide_posted_values
@get_or_post
def sign_in_again_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asks for password and second factor again before a dangerous action. The action itself is not repeated."""
    person = _person(request)
    if person is None:
        return _redirect_to("login", request)
    form = SignInAgainForm(_posted(request))
    if not second_factor.is_enrolled(person.pk):
        del form.fields["code"]
    if request.method == "POST":
        attempts = LoginAttempts(f"again {person.pk}", client_network(request))
        if attempts.are_exhausted:
            return _locked_page(site, request, attempts, person.pk)
        if form.is_valid() and _is_correct(person, form.cleaned_data):
            attempts.reset()
            sessions.mark_fresh(request)
            audit_log.record(AuditAction.LOGIN_AGAIN, staff_id=person.pk)
            if request.POST.get("pressed"):
                messages.info(request, "Thank you. Nothing was done yet. Please press the button again.")
            return redirect(next_url(request))
        attempts.record_failure(AuditAction.LOGIN_FAILED, person.pk)
        if not form.errors:
            form.add_error(None, "Password or code is wrong.")
    pressed = request.POST.get("pressed") or request.GET.get("pressed", "")
    return _page(site, request, "sign_in_again", "Please sign in again", form=form, pressed=pressed)


def _is_correct(person: User, typed: dict[str, Any]) -> bool:
    """Whether password and code are correct. A wrong password does not use up the code."""
    if not person.check_password(typed["password"]):
        return False
    return "code" not in typed or second_factor.verify_code(person, typed["code"]) is not None


@get_or_post
def forgotten_password_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Emails a link for a new password. The page says the same whether the account exists or not."""
    form = ForgottenPasswordForm(_posted(request))
    if request.method != "POST" or not form.is_valid():
        return _page(site, request, "forgotten_password", "New password", form=form)
    typed = form.cleaned_data["name"]
    if not LoginAttempts(f"forgotten {typed}", client_network(request)).are_exhausted:
        accounts.request_password_reset(typed)
    return _page(site, request, "forgotten_password", "New password", is_sent=True)


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
