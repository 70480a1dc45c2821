"""Passkeys (WebAuthn) as a second factor: what the browser is asked, and whether its answer is right.

The challenge travels in the form, signed. It belongs to one account, is valid as long as a sign-in is fresh, and works
once.
"""

import json
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential, WebAuthnUserHandle
from webauthn.helpers.exceptions import InvalidJSONStructure, WebAuthnException

from signatures.staff.sessions import FRESH_SECONDS

MAX_RESPONSE = 20_000  # characters of the browser's answer; those of security keys are about a thousand

NEW, LOGIN = "signatures.passkey.new", "signatures.passkey.login"  # what a challenge is for


def is_usable(request: HttpRequest) -> bool:
    """Whether browsers offer passkeys at the address of this request: that of SITE_URL, or http://localhost."""
    return f"{request.scheme}://{request.get_host()}" in settings.OTP_WEBAUTHN_ALLOWED_ORIGINS


def count(account_id: int) -> int:
    return int(WebAuthnCredential.objects.filter(user=account_id, confirmed=True).count())


def begin_new(person: User) -> tuple[dict[str, Any], str]:
    """Returns the options for the browser to make a passkey, and the signed challenge."""
    options, state = WebAuthnHelper(request=None).register_begin(user=person)
    return options, _sign(state, person, NEW)


def begin_login(person: User) -> tuple[dict[str, Any], str]:
    """Returns the options for the browser to use a passkey of this account, and the signed challenge."""
    helper = WebAuthnHelper(request=None)
    options, state = helper.authenticate_begin(user=person, require_user_verification=False)
    return options, _sign(state, person, LOGIN)


def create(person: User, name: str, response: str, challenge: str) -> WebAuthnCredential | None:
    """Store the passkey that a browser made. Returns None if its answer is wrong, or the passkey is known already."""
    try:
        state, _issued = _open(challenge, person, NEW)
        with transaction.atomic():
            passkey = WebAuthnHelper(request=None).register_complete(user=person, state=state, data=_read(response))
            passkey.name = name
            passkey.save(update_fields=["name"])
    except (WebAuthnException, signing.BadSignature, IntegrityError, ValueError):
        return None
    return passkey


@transaction.atomic
def verify(person: User, response: str, challenge: str) -> WebAuthnCredential | None:
    """Returns the passkey that gave this answer; None if it is wrong.

    Wrong is also an answer for another site or account, one whose counter did not grow (the passkey was cloned), and
    one to a challenge that is older than the last use of the passkey. The lock on the rows lets an answer work once.
    """
    mine = WebAuthnCredential.objects.select_for_update().filter(user=person, confirmed=True)
    last_used = {passkey.pk: passkey.last_used_at for passkey in mine}
    try:
        state, issued = _open(challenge, person, LOGIN)
        passkey = WebAuthnHelper(request=None).authenticate_complete(user=person, state=state, data=_read(response))
    except (WebAuthnException, OTPWebAuthnApiError, signing.BadSignature, ValueError):
        return None
    before = last_used.get(passkey.pk)
    if passkey.pk not in last_used or (before and before.timestamp() >= issued):
        transaction.set_rollback(True)
        return None
    return passkey


def delete_all(person: User) -> None:
    WebAuthnCredential.objects.filter(user=person).delete()
    WebAuthnUserHandle.objects.filter(user=person).delete()


def _read(response: str) -> dict[str, Any]:
    """Returns the answer of a browser, without the claims that nothing has signed.

    Raises:
        ValueError: when it is no JSON.
        InvalidJSONStructure: when it is no JSON object, or nested without end.
    """
    try:
        read = json.loads(response)
    except RecursionError:
        raise InvalidJSONStructure("nested too deep") from None
    if not isinstance(read, dict):
        raise InvalidJSONStructure("not an object")
    return {name: value for name, value in read.items() if name != "clientExtensionResults"}


def _sign(state: dict[str, Any], person: User, purpose: str) -> str:
    return signing.dumps([state, person.pk, time.time()], salt=purpose)


def _open(challenge: str, person: User, purpose: str) -> tuple[dict[str, Any], float]:
    """Returns the state of a signed challenge, and the time at which it was made.

    Raises:
        signing.BadSignature: when it is changed, too old, for another account or another purpose.
    """
    state, account_id, issued = signing.loads(challenge, salt=purpose, max_age=FRESH_SECONDS)
    if account_id != person.pk:
        raise signing.BadSignature("made for another account")
    return state, issued
