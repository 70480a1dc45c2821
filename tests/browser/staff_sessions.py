"""Staff of a served site, their sessions, and what they work on. Called inside the site's own settings, by `LiveSite.python`."""

import secrets
import time
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django_otp.plugins.otp_totp.models import TOTPDevice

from signatures.staff import sessions
from signatures.staff.login_attempts import CodeAttempts
from tests.factories import make_delivery, make_letter, make_signature

PASSWORD = "a long enough password"


def make_staff(role: str, key: str = "") -> str:
    """Make an account with this role, with an authenticator app if there is a secret for it. Returns its name.

    Nobody had the name before: many tests make staff of the same site.
    """
    name = f"{role.replace(' ', '-')}-{secrets.token_hex(4)}"
    person = User.objects.create_user(name, f"{name}@example.org", PASSWORD, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    if key:
        TOTPDevice.objects.create(user=person, name="app", key=key)
    return name


def try_codes(name: str) -> None:
    """Spend the codes that others may try for this person today, as whoever knows the password could."""
    for number in range(100):
        place = f"10.1.{number}.0/24"
        CodeAttempts(User.objects.get(username=name).pk, place, browser=None, is_guessable=True)


def end_sessions(name: str) -> int:
    TOTPDevice.objects.filter(user__username=name).update(last_t=-1)  # so that the next code need not wait
    return sessions.end_all(User.objects.get(username=name).pk)


def make_stale(name: str) -> int:
    """Let eleven minutes pass since this person signed in. Returns the number of sessions."""
    found: list[Any] = []
    for row in Session.objects.all():
        if row.get_decoded().get("_auth_user_id") == str(User.objects.get(username=name).pk):
            session = SessionStore(row.pk)
            session[sessions.FRESH_KEY] = time.time() - 11 * 60
            session.save()
            found.append(row.pk)
    return len(found)


def delivered(name: str) -> int:
    """Make a signature that was handed over, under a letter of its own. Returns its number."""
    letter = make_letter("asked-by-post", state="archived")
    row = make_signature(letter, name)
    delivery = make_delivery(letter)
    delivery.rows.create(
        place=0, number=1, signature_id=row.pk, kind=row.kind, name=name, language="en", revision=1, salt=b"0" * 32,
        leaf=b"1" * 32,
    )  # fmt: skip
    delivery.root, delivery.state = "0" * 64, delivery.State.HANDED_OVER
    delivery.save()
    return row.pk
