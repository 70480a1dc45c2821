"""The accounts of staff: invited, given a password and a second factor, and what ends their sessions."""

import hashlib
import hmac
import re
import secrets
from base64 import b32encode

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from campaign import sessions
from signatures import post, trail
from signatures.models import Mail

CODES = 10
_OF_APP = re.compile(r"\d{6}")
_NOISE = re.compile(r"[^0-9a-z]")


@transaction.atomic
def invite(person: User, role: Group, *, by: int) -> None:
    """Make the account, without a password: who has the mailbox sets one."""
    person.set_unusable_password()
    person.is_staff = True
    person.save()
    person.groups.add(role)
    trail.add("invite", staff_id=by, detail={"account": person.pk, "role": role.name})
    post.queue_for_staff([person.pk], kind=Mail.Kind.INVITE)


@transaction.atomic
def invite_again(person: User, *, by: int) -> bool:
    """Send the invitation once more; whether it goes (not to who has a password, nor too often)."""
    if person.has_usable_password() or not post.queue_for_staff([person.pk], kind=Mail.Kind.INVITE):
        return False
    trail.add("invite", staff_id=by, detail={"account": person.pk})
    return True


@transaction.atomic
def change(person: User, *, by: int, what: str) -> None:
    """Keep what an owner changed of an account; a closed one is out at once."""
    person.save()
    trail.add("set-account", staff_id=by, reason=what[:300], detail={"account": person.pk})
    if not person.is_active:
        sessions.end_all(person.pk)


@transaction.atomic
def ask_for_password(typed: str) -> None:
    """Mail the way to a new password to whom this name or address belongs.

    The same statements for everybody, whether there is such an account or not (SECURITY.md A13).
    """
    who = User.objects.filter(Q(username=typed) | Q(email__iexact=typed, email__gt=""), is_active=True, is_staff=True)
    found = list(who.values_list("pk", flat=True)[:1])
    post.queue_for_staff(found or [0], kind=Mail.Kind.RESET)  # of nobody Django would ask nothing
    trail.add("ask-password", staff_id=found[0] if found else None)


@transaction.atomic
def choose_password(person: User, password: str) -> None:
    """The second factor stays as it is: a mailbox alone opens nothing."""
    person.set_password(password)
    person.save(update_fields=["password"])
    password_changed(person.pk)


def password_changed(person: int, *, but: str | None = None) -> None:
    """Told by who changed it; the session with this key may go on."""
    sessions.end_all(person, but=but)
    trail.add("set-password", staff_id=person)


def number_of(name: str) -> int | None:
    """The account of this name."""
    return User.objects.filter(username=name).values_list("pk", flat=True).first()


# The second factor


def has_factor(person: int) -> bool:
    return bool(TOTPDevice.objects.filter(user=person, confirmed=True).exists())


def new_key() -> str:
    """A secret for an app that shows codes: 160 random bits, in hex."""
    return secrets.token_hex(20)


def in_groups(key: str) -> str:
    """The secret as it is typed by hand: base 32, in groups of four."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def address_of(person: User, key: str) -> str:
    """What the QR code tells the app."""
    return str(TOTPDevice(user=person, key=key).config_url)


@transaction.atomic
def add_factor(person: User, key: str, code: str, *, but: str | None) -> tuple[TOTPDevice, list[str]] | None:
    """Take the secret that an app of theirs holds, in place of any other; the factor and the recovery codes.

    None when the code is not one of this secret. All their sessions end but the one with this key.
    """
    User.objects.select_for_update().get(pk=person.pk)
    device = TOTPDevice.objects.create(user=person, name="app", key=key)
    if not device.verify_token(_plain(code)):
        transaction.set_rollback(True)
        return None
    TOTPDevice.objects.filter(user=person).exclude(pk=device.pk).delete()
    trail.add("factor-added", staff_id=person.pk)
    sessions.end_all(person.pk, but=but)
    return device, _new_codes(person)


@transaction.atomic
def new_codes(person: User) -> list[str]:
    """Ten recovery codes in place of all former ones."""
    trail.add("recovery-codes", staff_id=person.pk)
    return _new_codes(person)


def _new_codes(person: User) -> list[str]:
    device, _made = StaticDevice.objects.get_or_create(user=person, defaults={"name": "recovery"})
    device.token_set.all().delete()
    plain = [b32encode(secrets.token_bytes(10)).decode().lower()[:10] for _each in range(CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_kept(person.pk, code)) for code in plain)
    return [f"{code[:5]}-{code[5:]}" for code in plain]


def codes_left(person: int) -> int:
    return int(StaticToken.objects.filter(device__user=person).count())


@transaction.atomic
def check_code(person: User, code: str) -> Device | None:
    """The factor that this code is of: one of the app, or a recovery code. Each is good once.

    The lock on the factor's row lets no two requests use one code; after a wrong one it waits, twice as long each time.
    """
    plain = _plain(code)
    of_app = _OF_APP.fullmatch(plain)
    kind: type[TOTPDevice | StaticDevice] = TOTPDevice if of_app else StaticDevice
    device = kind.objects.select_for_update().filter(user=person, confirmed=True).first()
    return device if device and device.verify_token(plain if of_app else _kept(person.pk, plain)) else None


def remove_factors(person: User) -> None:
    """For who lost both app and recovery codes; they set up a new one at the next login."""
    with transaction.atomic():
        TOTPDevice.objects.filter(user=person).delete()
        StaticDevice.objects.filter(user=person).delete()
        trail.add("factor-removed", staff_id=person.pk)
        sessions.end_all(person.pk)


def _plain(code: str) -> str:
    return _NOISE.sub("", code.lower())


def _kept(person: int, code: str) -> str:
    """What the database holds of a recovery code: nothing without the pepper, which never changes."""
    digest = hmac.digest(settings.MAILBOX_PEPPER.encode(), f"recovery {person} {code}".encode(), hashlib.sha256)
    return digest[:8].hex()
