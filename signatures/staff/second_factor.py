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


def is_enrolled(person: int) -> bool:
    return bool(TOTPDevice.objects.filter(user=person, confirmed=True).exists())


def new_totp_key() -> str:
    """A secret for an app that shows codes: 160 random bits, in hex."""
    return secrets.token_hex(20)


def grouped_base32(key: str) -> str:
    """The secret as it is typed by hand: base 32, in groups of four."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def provisioning_uri(person: User, key: str) -> str:
    """What the QR code tells the app."""
    return str(TOTPDevice(user=person, key=key).config_url)


@transaction.atomic
def enroll(person: User, key: str, code: str, *, but: str | None) -> tuple[TOTPDevice, list[str]] | None:
    """Take the secret that an app of theirs holds, in place of any other; the factor and the recovery codes.

    None when the code is not one of this secret. All their sessions end but the one with this key.
    """
    User.objects.select_for_update().get(pk=person.pk)
    device = TOTPDevice.objects.create(user=person, name="app", key=key)
    if not device.verify_token(_normalized(code)):
        transaction.set_rollback(True)
        return None
    TOTPDevice.objects.filter(user=person).exclude(pk=device.pk).delete()
    audit_log.record(AuditAction.SECOND_FACTOR_ADDED, staff_id=person.pk)
    sessions.end_all(person.pk, but=but)
    return device, _create_recovery_codes(person)


@transaction.atomic
def replace_recovery_codes(person: User) -> list[str]:
    """Ten recovery codes in place of all former ones."""
    audit_log.record(AuditAction.RECOVERY_CODES, staff_id=person.pk)
    return _create_recovery_codes(person)


def _create_recovery_codes(person: User) -> list[str]:
    device, _made = StaticDevice.objects.get_or_create(user=person, defaults={"name": "recovery"})
    device.token_set.all().delete()
    plain = [b32encode(secrets.token_bytes(10)).decode().lower()[:10] for _each in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_stored_digest(person.pk, code)) for code in plain)
    return [f"{code[:5]}-{code[5:]}" for code in plain]


def recovery_codes_left(person: int) -> int:
    return int(StaticToken.objects.filter(device__user=person).count())


@transaction.atomic
def verify_code(person: User, code: str) -> Device | None:
    """The factor that this code is of: one of the app, or a recovery code. Each is good once.

    The lock on the factor's row lets no two requests use one code; after a wrong one it waits, twice as long each time.
    """
    plain = _normalized(code)
    of_app = _APP_CODE.fullmatch(plain)
    kind: type[TOTPDevice | StaticDevice] = TOTPDevice if of_app else StaticDevice
    device = kind.objects.select_for_update().filter(user=person, confirmed=True).first()
    return device if device and device.verify_token(plain if of_app else _stored_digest(person.pk, plain)) else None


def reset(person: User) -> None:
    """For who lost both app and recovery codes; they set up a new one at the next login."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=person).delete()
        StaticDevice.objects.filter(user=person).delete()
        audit_log.record(AuditAction.SECOND_FACTOR_REMOVED, staff_id=person.pk)
        sessions.end_all(person.pk)


def _normalized(code: str) -> str:
    return _SEPARATORS.sub("", code.lower())


def _stored_digest(person: int, code: str) -> str:
    """What the database holds of a recovery code: nothing without the pepper, which never changes."""
    digest = hmac.digest(settings.EMAIL_HASH_PEPPER.encode(), f"recovery {person} {code}".encode(), hashlib.sha256)
    return digest[:8].hex()
