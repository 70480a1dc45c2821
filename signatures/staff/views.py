"""Signing in: password, second factor, what to do without either, and once more before what is dangerous.

Every view takes the site of admin. No rule stands here: `accounts` has the verbs, `limits` the figures.
"""

import unicodedata
from typing import Any, ClassVar
from urllib.parse import urlencode

import segno
from django import forms
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
from signatures.models import RateLimit
from signatures.registries import AuditAction
from signatures.screening import rate_limits
from signatures.staff import accounts, second_factor, sessions

PENDING = "pending-factor"  # in the session: the secret that is being set up

pages = require_http_methods(["GET", "HEAD", "POST"])
secrets_posted = sensitive_post_parameters()


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class AgainForm(forms.Form):
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(label="Code", max_length=20, widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}))


class ForgottenForm(forms.Form):
    name = forms.CharField(
        label="User name or email address",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autofocus": True}),
    )


def next_url(request: HttpRequest) -> str:
    """Where to go then: a page of admin, never another site (SECURITY.md P10)."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = wanted.startswith(f"/{settings.ADMIN_PATH}") and url_has_allowed_host_and_scheme(wanted, None)
    return wanted if is_ours else reverse("admin:index")


def _page(site: AdminSite, request: HttpRequest, name: str, title: Any, status: int = 200, **more: Any) -> HttpResponse:
    context = {**site.each_context(request), "title": title, "next": next_url(request), **more}
    return render(request, f"admin/sign_in/{name}.html", context, status=status)


def _typed(request: HttpRequest) -> Any:
    """What was posted, be it nothing."""
    return request.POST if request.method == "POST" else None


def _to(name: str, request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse(f'admin:{name}')}?{urlencode({'next': next_url(request)})}")


class LoginAttempts:
    """How often it was tried for the pair of account and network: the same account elsewhere is not held up (A3)."""

    def __init__(self, request: HttpRequest, whose: str) -> None:
        self.request = request
        came_from = client_network(request)
        self.pair: dict[str, str] = {RateLimit.Scope.LOGIN: f"{whose} {came_from}"}
        self.tried = rate_limits.count_event({**self.pair, RateLimit.Scope.LOGIN_NETWORK: came_from})

    @property
    def are_over(self) -> bool:
        return RateLimit.Scope.LOGIN in self.tried.over

    def tell(self, action: AuditAction, who: int | None) -> None:
        """A try that failed, in the trail; a script that types a million names does not fill it."""
        if RateLimit.Scope.LOGIN_NETWORK in self.tried.newly_over:
            audit_log.record(AuditAction.LOGIN_FLOOD)
        elif RateLimit.Scope.LOGIN_NETWORK not in self.tried.over:
            audit_log.record(action, staff_id=who)

    def end(self, site: AdminSite, who: int | None) -> HttpResponse:
        """Told once, however often it is tried after that."""
        if RateLimit.Scope.LOGIN in self.tried.newly_over:
            self.tell(AuditAction.LOGIN_LOCKED, who)
        return _page(site, self.request, "locked", "Too many tries", status=429)

    def forgive(self) -> None:
        """Whoever proved to be who they say may mistype again."""
        if not self.tried.is_broken:
            rate_limits.reset(self.pair)


@secrets_posted
@pages
def login_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """The password. What follows is the second factor."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return redirect(next_url(request)) if site.has_permission(request) else _to("second_factor", request)
        return _page(site, request, "login", "Log in", form=AdminAuthenticationForm(request))
    typed = unicodedata.normalize("NFKC", request.POST.get("username", "")[:150])
    tries = LoginAttempts(request, f"password {typed}")
    if tries.are_over:
        return tries.end(site, accounts.find_account_id(typed.replace("\0", "")))
    form = AdminAuthenticationForm(request, request.POST)
    if not form.is_valid():
        tries.tell(AuditAction.LOGIN_FAILED, accounts.find_account_id(form.cleaned_data.get("username", "")))
        return _page(site, request, "login", "Log in", form=form)
    tries.forgive()
    request.session.flush()  # a new key, whoever was here before
    log_in(request, form.get_user())
    if not site.has_permission(request):
        return _to("second_factor", request)
    audit_log.record(AuditAction.LOGIN, staff_id=request.user.pk)
    return redirect(next_url(request))


@secrets_posted
@pages
def second_factor_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """The second factor: asked of who has given the password; shown to who is in."""
    person = _person(request)
    if person and site.has_permission(request):
        left = second_factor.recovery_codes_left(person.pk)
        has_factor = second_factor.is_enrolled(person.pk)
        return _page(site, request, "own_second_factor", "Your second factor", left=left, has_factor=has_factor)
    if person is None or not sessions.is_fresh(request):
        request.session.flush()
        return _to("login", request)
    if not second_factor.is_enrolled(person.pk):
        return _to("enroll", request)
    form = CodeForm(_typed(request))
    answer = _check_code(site, request, person, form) if request.method == "POST" else None
    return answer or _page(site, request, "second_factor", "Second factor", form=form)


def _check_code(site: AdminSite, request: HttpRequest, person: User, form: CodeForm) -> HttpResponse | None:
    """What follows a code; None when it is not right, and the form says so."""
    tries = LoginAttempts(request, f"code {person.pk}")
    if tries.are_over:
        return tries.end(site, person.pk)
    device = second_factor.verify_code(person, form.cleaned_data["code"]) if form.is_valid() else None
    if device:
        tries.forgive()
        return _let_in(request, device)
    tries.tell(AuditAction.SECOND_FACTOR_FAILED, person.pk)
    form.add_error("code", "This code is not right, or was used before. Please wait for the next one.")
    return None


def _let_in(request: HttpRequest, device: Device) -> HttpResponse:
    log_in_with_factor(request, device)
    request.session.cycle_key()
    person = request.user.pk or 0
    is_recovery = isinstance(device, StaticDevice)
    audit_log.record(AuditAction.LOGIN, staff_id=person, detail={"by": "recovery-code" if is_recovery else "app"})
    if is_recovery:
        left = second_factor.recovery_codes_left(person)
        said = f"{left} recovery code{pluralize(left, ' is,s are')} left."
        messages.warning(request, said)
    return redirect(next_url(request))


def _person(request: HttpRequest) -> User | None:
    """The member of staff whose password was given."""
    user = request.user
    return User.objects.get(pk=user.pk) if user.is_authenticated and user.is_active and user.is_staff else None


@secrets_posted
@pages
def enroll_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Set up the second factor: for who has none, and for who is in and wants another."""
    person = _person(request)
    is_in = site.has_permission(request)
    if person is None or (not is_in and second_factor.is_enrolled(person.pk)):
        return _to("second_factor", request)
    if not sessions.is_fresh(request):
        return _to("sign_in_again" if is_in else "factor", request)
    key = request.session.setdefault(PENDING, second_factor.new_totp_key())
    form = CodeForm(_typed(request))
    if request.method == "POST" and form.is_valid():
        added = second_factor.enroll(person, key, form.cleaned_data["code"], but=request.session.session_key)
        if added:
            device, codes_made = added
            del request.session[PENDING]
            _let_in(request, device)
            return _page(site, request, "recovery_codes", "Recovery codes", codes=codes_made)
        form.add_error("code", "This code does not belong to the secret above. Please wait for the next one.")
    picture = segno.make(second_factor.provisioning_uri(person, key), error="m")
    drawn = SafeString(picture.svg_inline(border=4, dark="#000", light="#fff", omitsize=True))
    return _page(
        site, request, "enroll", "Second factor", form=form, qr=drawn, secret=second_factor.grouped_base32(key)
    )


@secrets_posted
@pages
def recovery_codes_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Ten new recovery codes, shown once."""
    person = _person(request)
    if request.method != "POST" or person is None or not second_factor.is_enrolled(person.pk):
        return redirect("admin:second_factor")
    return _page(site, request, "recovery_codes", "Recovery codes", codes=second_factor.replace_recovery_codes(person))


@secrets_posted
@pages
def sign_in_again_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Password and second factor once more, before what is dangerous; what was pressed is not replayed."""
    person = _person(request)
    if person is None:
        return _to("login", request)
    form = AgainForm(_typed(request))
    if not second_factor.is_enrolled(person.pk):
        del form.fields["code"]
    if request.method == "POST":
        tries = LoginAttempts(request, f"again {person.pk}")
        if tries.are_over:
            return tries.end(site, person.pk)
        if form.is_valid() and _is_proved(person, form.cleaned_data):
            tries.forgive()
            sessions.mark_fresh(request)
            audit_log.record(AuditAction.LOGIN_AGAIN, staff_id=person.pk)
            if request.POST.get("pressed"):
                messages.info(request, "Thank you. Nothing was done yet: please press the button again.")
            return redirect(next_url(request))
        tries.tell(AuditAction.LOGIN_FAILED, person.pk)
        if not form.errors:
            form.add_error(None, "Password or code is not right.")
    pressed = request.POST.get("pressed") or request.GET.get("pressed", "")
    return _page(site, request, "sign_in_again", "Please sign in again", form=form, pressed=pressed)


def _is_proved(person: User, typed: dict[str, Any]) -> bool:
    """A code is spent only by who knows the password."""
    if not person.check_password(typed["password"]):
        return False
    return "code" not in typed or second_factor.verify_code(person, typed["code"]) is not None


@pages
def forgotten_password_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """The way to a new password goes to the mailbox; what is said here is the same for everybody."""
    form = ForgottenForm(_typed(request))
    if request.method != "POST" or not form.is_valid():
        return _page(site, request, "forgotten_password", "A new password", form=form)
    typed = form.cleaned_data["name"]
    if not LoginAttempts(request, f"forgotten {typed}").are_over:
        accounts.request_password_reset(typed)
    return _page(site, request, "forgotten_password", "A new password", is_sent=True)


@method_decorator(secrets_posted, name="dispatch")
class SetPasswordView(PasswordResetConfirmView):
    """Where the links of an invitation and of a new password lead."""

    template_name = "admin/sign_in/set_password.html"
    site: ClassVar[Any] = None

    def get_user(self, uidb64: str) -> User | None:
        user = super().get_user(uidb64)
        return user if isinstance(user, User) and user.is_active and user.is_staff else None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        found = super().get_context_data(**kwargs)
        title = "Choose a password" if self.validlink else "This link does not work"
        return {**self.site.each_context(self.request), **found, "title": title}

    def form_valid(self, form: Any) -> HttpResponse:
        accounts.set_password(form.user, form.cleaned_data["new_password1"])
        self.request.session.flush()
        messages.success(self.request, "Your password is set. Please log in with it.")
        return redirect("admin:login")
