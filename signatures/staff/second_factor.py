"""The second factor of staff: an authenticator app, and ten recovery codes."""

import hashlib
import hmac
import re
import secrets
from base64 import b32encode

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from signatures.audit import audit_log
from signatures.registries import AuditAction
from signatures.staff import sessions

RECOVERY_CODES = 10

_APP_CODE = re.compile(r"\d{6}")
_SEPARATORS = re.compile(r"[^0-9a-z]")


def is_enrolled(account_id: int) -> bool:
    return bool(TOTPDevice.objects.filter(user=account_id, confirmed=True).exists())


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
    audit_log.record(AuditAction.SECOND_FACTOR_ADDED, staff_id=person.pk)
    sessions.end_all(person.pk, keep_session=keep_session)
    return device, _create_recovery_codes(person)


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
def verify_code(person: User, code: str) -> Device | None:
    """Use up a code of the app or a recovery code. Each works once.

    The lock on the device's row keeps two requests from using the same code. How many codes may be tried is up to
    `login_attempts.CodeAttempts`.

    Returns the device that the code belongs to; None when the code is wrong.
    """
    plain = _normalized(code)
    is_short = is_app_code(code)
    kind: type[TOTPDevice | StaticDevice] = TOTPDevice if is_short else StaticDevice
    token = plain if is_short else _stored_digest(person.pk, plain)
    device = kind.objects.select_for_update().filter(user=person, confirmed=True).first()
    return device if device and device.verify_token(token) else None


def is_app_code(code: str) -> bool:
    """Returns whether this is a code of an app; a recovery code is longer."""
    return _APP_CODE.fullmatch(_normalized(code)) is not None


def reset(person: User) -> None:
    """Remove the second factor of somebody who lost app and recovery codes. The next login sets up a new one."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=person).delete()
        StaticDevice.objects.filter(user=person).delete()
        audit_log.record(AuditAction.SECOND_FACTOR_REMOVED, staff_id=person.pk)
        sessions.end_all(person.pk)


def _normalized(code: str) -> str:
    return _SEPARATORS.sub("", code.lower())


def _stored_digest(account_id: int, code: str) -> str:
    """Returns what the database stores of a recovery code: useless without the pepper, which never changes."""
    digest = hmac.digest(settings.EMAIL_HASH_PEPPER.encode(), f"recovery {account_id} {code}".encode(), hashlib.sha256)
    return digest[:8].hex()
