"""The pages of the second factor: using it after the password, setting it up, removing a part of it.

The rules are in `staff.second_factor` and `staff.passkeys`.
"""

from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.utils.safestring import SafeString
from django_otp import login as log_in_with_factor
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice

from campaign.web.client_network import client_network
from signatures.registries import AuditAction
from signatures.staff import known_browsers, passkeys, second_factor, sessions
from signatures.staff.forms import CodeForm, NewPasskeyForm, PasskeyForm, TwoCodesForm
from signatures.staff.login_attempts import CodeAttempts
from signatures.staff.sign_in_pages import (
    get_or_post,
    hide_posted_values,
    locked_page,
    next_url,
    page,
    person_of,
    redirect_to,
)

PENDING = "pending-second-factor"  # session key of the app's secret that is being set up


def passkey_context(request: HttpRequest, person: User, *, is_new: bool = False) -> dict[str, Any]:
    """Returns what a page needs to ask the browser for a passkey, with an unused form for its answer."""
    context: dict[str, Any] = {
        "is_usable": passkeys.is_usable(request),
        "usable_at": settings.OTP_WEBAUTHN_ALLOWED_ORIGINS[0],
        "passkeys_left": passkeys.count(person.pk),
    }
    if context["is_usable"] and (is_new or context["passkeys_left"]):
        options, challenge = passkeys.begin_new(person) if is_new else passkeys.begin_login(person)
        form = NewPasskeyForm if is_new else PasskeyForm
        context |= {"passkey_options": options, "passkey_form": form(initial={"challenge": challenge})}
    return context


@hide_posted_values
@get_or_post
def second_factor_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Asks for the second factor after the password. Whoever is signed in sees the state of their second factor."""
    person = person_of(request)
    if person and site.has_permission(request):
        context: dict[str, Any] = {
            "factors": second_factor.factors(person.pk),
            "codes_left": second_factor.recovery_codes_left(person.pk),
        }
        return page(site, request, "own_second_factor", "Your second factor", **context)
    if person is None or not sessions.is_fresh(request):
        request.session.flush()
        return redirect_to("login", request)
    if not second_factor.is_enrolled(person.pk):
        return redirect_to("enroll", request)
    if request.method == "POST":
        return _check(site, request, person)
    return _ask(site, request, person, CodeForm())


def _ask(site: AdminSite, request: HttpRequest, person: User, form: CodeForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "asks_for_two": isinstance(form, TwoCodesForm),
        "has_app": second_factor.has_app(person.pk),
        **passkey_context(request, person),
    }
    return page(site, request, "second_factor", "Second factor", status=status, **context)


def _check(site: AdminSite, request: HttpRequest, person: User) -> HttpResponse:
    """Returns the response to a code, two codes or a passkey."""
    kind = TwoCodesForm if "next_code" in request.POST else CodeForm
    form = kind(request.POST if "code" in request.POST else None)
    typed = form.cleaned_data if form.is_valid() else {}
    code, next_code = typed.get("code", ""), typed.get("next_code", "")
    attempts = CodeAttempts(
        person.pk,
        client_network(request),
        browser=known_browsers.browser_of(request, person.pk),
        is_guessable=second_factor.is_guessable(code, next_code),
    )
    if attempts.are_exhausted:
        return locked_page(site, request, attempts, person.pk)
    if attempts.takes_two_codes_only:
        attempts.record_lock(person.pk)
        return _ask_for_the_next_code(site, request, person, code)
    device: Device | None = None
    if form.is_bound:
        device = second_factor.verify_code(person, code, next_code) if code else None
    else:
        answer = PasskeyForm(request.POST)
        device = second_factor.verify_passkey(person, answer.cleaned_data) if answer.is_valid() else None
    if device:
        attempts.reset()
        return _log_in(request, person, device)
    attempts.record_failure(AuditAction.SECOND_FACTOR_FAILED, person.pk)
    if not form.is_bound:
        messages.error(request, "This passkey was not accepted. Please try again, or use a code.")
        form = CodeForm()
    elif next_code and isinstance(form, TwoCodesForm):
        form.begin_again()
    else:
        form.add_error("code", "This code is wrong, or was used before. Please wait for the next one.")
    return _ask(site, request, person, form)


def _ask_for_the_next_code(site: AdminSite, request: HttpRequest, person: User, code: str) -> HttpResponse:
    """Returns the page that asks for two codes. The first one is on it already. It was not looked at."""
    form = TwoCodesForm({"code": code}) if second_factor.has_app(person.pk) else CodeForm({"code": code})
    if isinstance(form, TwoCodesForm):
        form.ask_for_next()
    else:
        form.add_error("code", "You have no app that shows codes. Please type one of your recovery codes.")
    return _ask(site, request, person, form, status=429)


def _log_in(request: HttpRequest, person: User, device: Device) -> HttpResponse:
    """Complete the login with the second factor. Returns the redirect to the next page."""
    log_in_with_factor(request, device)
    request.session.cycle_key()
    sessions.record_login(person, by=second_factor.factor_name(device))
    if isinstance(device, StaticDevice):
        left = second_factor.recovery_codes_left(person.pk)
        messages.warning(request, f"{left} recovery code{pluralize(left, ' is,s are')} left.")
    response = redirect(next_url(request))
    known_browsers.remember(response, person.pk)
    return response


@hide_posted_values
@get_or_post
def enroll_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Sets up a passkey or an app, for accounts without one, and for signed-in staff who want another."""
    person = person_of(request)
    is_signed_in = site.has_permission(request)
    if person is None or (not is_signed_in and second_factor.is_enrolled(person.pk)):
        return redirect_to("second_factor", request)
    if not sessions.is_fresh(request):
        return redirect_to("sign_in_again" if is_signed_in else "second_factor", request)
    key = request.session.setdefault(PENDING, second_factor.new_totp_key())
    form = CodeForm(request.POST if "code" in request.POST else None)
    response = None
    if form.is_bound:
        response = _enroll_app(site, request, person, form)
    elif request.method == "POST":
        response = _add_passkey(site, request, person)
    if response:
        return response
    qr_code = segno.make(second_factor.provisioning_uri(person, key), error="m")
    context = {
        "qr_code": SafeString(qr_code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)),
        "secret": second_factor.grouped_base32(key),
        "has_app": second_factor.has_app(person.pk),
        **passkey_context(request, person, is_new=True),
    }
    return page(site, request, "enroll", "Second factor", form=form, **context)


def _enroll_app(site: AdminSite, request: HttpRequest, person: User, form: CodeForm) -> HttpResponse | None:
    key, session_key = request.session[PENDING], request.session.session_key
    enrolled = form.is_valid() and second_factor.enroll(
        person, key, form.cleaned_data["code"], keep_session=session_key
    )
    if not enrolled:
        form.add_error("code", "This code does not belong to the secret above. Please wait for the next one.")
        return None
    device, recovery_codes = enrolled
    del request.session[PENDING]
    _log_in(request, person, device)
    return _codes_page(site, request, person, recovery_codes)


def _codes_page(site: AdminSite, request: HttpRequest, person: User, recovery_codes: list[str]) -> HttpResponse:
    response = page(site, request, "recovery_codes", "Recovery codes", codes=recovery_codes)
    known_browsers.remember(response, person.pk)
    return response


def _add_passkey(site: AdminSite, request: HttpRequest, person: User) -> HttpResponse | None:
    form = NewPasskeyForm(request.POST)
    added = form.is_valid() and second_factor.add_passkey(
        person, form.cleaned_data, keep_session=request.session.session_key
    )
    if not added:
        messages.error(request, "The passkey was not saved. Please try again, or use an app.")
        return None
    passkey, recovery_codes = added
    if not getattr(request.user, "otp_device", None):
        _log_in(request, person, passkey)
    if recovery_codes:
        return _codes_page(site, request, person, recovery_codes)
    messages.success(request, "The passkey was added.")
    return redirect("admin:second_factor")


@hide_posted_values
@get_or_post
def recovery_codes_page(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    """Makes ten new recovery codes and shows them once."""
    person = person_of(request)
    if request.method != "POST" or person is None or not second_factor.is_enrolled(person.pk):
        return redirect("admin:second_factor")
    return page(site, request, "recovery_codes", "Recovery codes", codes=second_factor.replace_recovery_codes(person))


@get_or_post
def remove_factor_page(request: HttpRequest, kind: str, number: int, *, site: AdminSite) -> HttpResponse:
    """GET asks for confirmation, POST removes a passkey or the app."""
    person = person_of(request)
    mine = second_factor.factors(person.pk) if person else []
    factor = next((factor for factor in mine if (second_factor.factor_name(factor), factor.pk) == (kind, number)), None)
    if person is None or factor is None:
        raise Http404
    if request.method != "POST":
        return page(site, request, "remove_factor", "Remove it?", factor=factor, is_last=len(mine) == 1)
    try:
        second_factor.remove(person, factor, keep_session=request.session.session_key)
    except second_factor.LastFactor:
        messages.error(request, "This is your only passkey or app. Please add another one first.")
    else:
        messages.success(request, "It was removed.")
    return redirect("admin:second_factor")
