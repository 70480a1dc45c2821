"""The second factor of staff: passkeys or an authenticator app, and ten recovery codes."""

import hashlib
import hmac
import secrets
from base64 import b32encode
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, Q
from django_otp.models import Device
from django_otp.oath import TOTP, hotp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp_webauthn.models import WebAuthnCredential

from campaign.runtime.regular_expressions import linear
from signatures.audit import audit_log
from signatures.registries import AuditAction
from signatures.staff import passkeys, sessions

RECOVERY_CODES = 10
MAX_TYPED = 20  # characters of a code with its spaces and hyphens

_APP_CODE = linear(r"\d{6}")
_SEPARATORS = linear(r"[^0-9a-z]")


class LastFactor(Exception):
    """The last passkey or app of an account cannot be removed: staff add another one first."""


def enrolled(account: Any) -> Q:
    """Returns the condition that an account (its id, or an expression) has a passkey or an app."""
    mine = {"user": account, "confirmed": True}
    return Q(Exists(TOTPDevice.objects.filter(**mine))) | Q(Exists(WebAuthnCredential.objects.filter(**mine)))


def is_enrolled(account_id: int) -> bool:
    return User.objects.filter(enrolled(account_id), pk=account_id).exists()


def has_app(account_id: int) -> bool:
    return bool(TOTPDevice.objects.filter(user=account_id, confirmed=True).exists())


def factors(account_id: int) -> list[TOTPDevice | WebAuthnCredential]:
    """Returns the passkeys of an account, oldest first, and its app. Recovery codes are not among them."""
    mine = {"user": account_id, "confirmed": True}
    return [*WebAuthnCredential.objects.filter(**mine).order_by("pk"), *TOTPDevice.objects.filter(**mine)]


def new_totp_key() -> str:
    """Returns a new secret for an authenticator app: 160 random bits, in hex."""
    return secrets.token_hex(20)


def grouped_base32(key: str) -> str:
    """Returns the secret as it is typed by hand: base 32, in groups of four."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def provisioning_uri(person: User, key: str) -> str:
    """Returns the content of the QR code for the app."""
    return str(TOTPDevice(user=person, key=key).config_url)


@transaction.atomic
def enroll(person: User, key: str, code: str, *, keep_session: str | None) -> tuple[TOTPDevice, list[str]] | None:
    """Set up an authenticator app as the second factor, in place of any other. Ends the other sessions of the account.

    The app was given the secret `key` (`new_totp_key`), and shows `code` as a proof. The session with the key
    `keep_session` goes on.

    Returns the device and new recovery codes; None when the code does not belong to the secret.
    """
    User.objects.select_for_update().get(pk=person.pk)
    device = TOTPDevice.objects.create(user=person, name="app", key=key)
    if not device.verify_token(_normalized(code)):
        transaction.set_rollback(True)
        return None
    TOTPDevice.objects.filter(user=person).exclude(pk=device.pk).delete()
    audit_log.record(AuditAction.SECOND_FACTOR_ADDED, staff_id=person.pk, detail={"by": "app"})
    sessions.end_all(person.pk, keep_session=keep_session)
    return device, _create_recovery_codes(person)


@transaction.atomic
def add_passkey(
    person: User, answer: Mapping[str, str], *, keep_session: str | None
) -> tuple[WebAuthnCredential, list[str]] | None:
    """Add a passkey to those of the account. Ends the other sessions of the account.

    `answer` has the `name` of the passkey, the answer of the browser (`passkey`), and the `challenge` it was given.

    Returns the passkey, and new recovery codes if none were left; None when the browser's answer is wrong.
    """
    User.objects.select_for_update().get(pk=person.pk)
    passkey = passkeys.create(person, answer["name"], answer["passkey"], answer["challenge"])
    if passkey is None:
        return None
    audit_log.record(AuditAction.SECOND_FACTOR_ADDED, staff_id=person.pk, detail={"by": "passkey", "row": passkey.pk})
    sessions.end_all(person.pk, keep_session=keep_session)
    return passkey, [] if recovery_codes_left(person.pk) else _create_recovery_codes(person)


@transaction.atomic
def remove(person: User, factor: TOTPDevice | WebAuthnCredential, *, keep_session: str | None) -> None:
    """Remove a passkey or the app. Ends the other sessions of the account.

    Raises:
        LastFactor: when the account has no other.
    """
    User.objects.select_for_update().get(pk=person.pk)
    if factor not in factors(person.pk) or len(factors(person.pk)) == 1:
        raise LastFactor
    detail = {"by": factor_name(factor), "row": factor.pk}
    factor.delete()
    audit_log.record(AuditAction.SECOND_FACTOR_REMOVED, staff_id=person.pk, detail=detail)
    sessions.end_all(person.pk, keep_session=keep_session)


def factor_name(device: Device) -> str:
    """Returns the word of the audit log for what somebody signed in with."""
    return {StaticDevice: "recovery-code", TOTPDevice: "app", WebAuthnCredential: "passkey"}[type(device)]


@transaction.atomic
def replace_recovery_codes(person: User) -> list[str]:
    """Returns ten new recovery codes. The former ones stop working."""
    audit_log.record(AuditAction.RECOVERY_CODES, staff_id=person.pk)
    return _create_recovery_codes(person)


def _create_recovery_codes(person: User) -> list[str]:
    device, _created = StaticDevice.objects.get_or_create(user=person, defaults={"name": "recovery"})
    device.token_set.all().delete()
    plain = [b32encode(secrets.token_bytes(10)).decode().lower()[:10] for _each in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_stored_digest(person.pk, code)) for code in plain)
    return [f"{code[:5]}-{code[5:]}" for code in plain]


def recovery_codes_left(account_id: int) -> int:
    return int(StaticToken.objects.filter(device__user=account_id).count())


@transaction.atomic
def verify_code(person: User, code: str, next_code: str = "") -> Device | None:
    """Use up a code of the app, or two that follow one another, or a recovery code. Each works once.

    The lock on the device's row keeps two requests from using the same code. How many codes may be tried is up to
    `login_attempts.CodeAttempts`.

    Args:
        person: whose code it is.
        code: what was typed.
        next_code: the code that the app showed after `code`; "" for none. It counts only behind a code of an app.

    Returns the device that the code belongs to; None when the code, or one of the two, is wrong.
    """
    plain = _normalized(code)
    is_short = is_app_code(code)
    kind: type[TOTPDevice | StaticDevice] = TOTPDevice if is_short else StaticDevice
    token = plain if is_short else _stored_digest(person.pk, plain)
    device = kind.objects.select_for_update().filter(user=person, confirmed=True).first()
    if device and is_short and next_code:
        token = _normalized(next_code)
        device = _at_first_of_two(device, plain, token)
    return device if device and device.verify_token(token) else None


def _at_first_of_two(app: TOTPDevice, code: str, next_code: str) -> TOTPDevice | None:
    """Returns the app as if `code` had just been used, so that `next_code` is due; None if they are no such two codes.

    The second one may be as early or late as a code that is typed alone. Neither may have been used before. Which of
    the two is wrong is told neither by the result nor by the time.
    """
    now = TOTP(app.bin_key, app.step, app.t0, app.digits, app.drift).t()
    typed = f"{code} {next_code}".encode()
    steps = range(now - app.tolerance, now + app.tolerance + 1)
    codes = {step: hotp(app.bin_key, step, app.digits) for step in range(steps.start - 1, steps.stop)}
    shown = {step: f"{codes[step - 1]:06d} {codes[step]:06d}".encode() for step in steps}
    matching = [step for step in steps if hmac.compare_digest(typed, shown[step]) and step - 1 > app.last_t]
    if not matching:
        return None
    app.last_t = matching[0] - 1
    return app


def verify_passkey(person: User, answer: Mapping[str, str]) -> WebAuthnCredential | None:
    """Returns the passkey that gave this answer (`passkey`) to the `challenge`; None when it is wrong."""
    return passkeys.verify(person, answer["passkey"], answer["challenge"])


def is_guessable(code: str, next_code: str) -> bool:
    """Returns whether what was typed is one code of an app: two of them, or a recovery code, are too long to guess."""
    return is_app_code(code) and not next_code


def is_app_code(code: str) -> bool:
    """Returns whether this is a code of an app; a recovery code is longer."""
    return _APP_CODE.fullmatch(_normalized(code)) is not None


def reset(person: User, *, by: int | None = None) -> None:
    """Remove the second factor of somebody who lost it with its recovery codes. The next login sets up a new one.

    Args:
        person: who lost it.
        by: the account of the owner who does it; None for a command of the operator.
    """
    with transaction.atomic():
        TOTPDevice.objects.filter(user=person).delete()
        StaticDevice.objects.filter(user=person).delete()
        passkeys.delete_all(person)
        detail = {"account": person.pk} if by else {}
        audit_log.record(AuditAction.SECOND_FACTOR_REMOVED, staff_id=by or person.pk, detail=detail)
        sessions.end_all(person.pk)


def _normalized(code: str) -> str:
    return _SEPARATORS.sub("", code[:MAX_TYPED].lower())


def _stored_digest(account_id: int, code: str) -> str:
    """Returns what the database stores of a recovery code: useless without the pepper, which never changes."""
    digest = hmac.digest(settings.EMAIL_HASH_PEPPER.encode(), f"recovery {account_id} {code}".encode(), hashlib.sha256)
    return digest[:8].hex()
