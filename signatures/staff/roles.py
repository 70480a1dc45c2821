"""Roles of staff and their permissions (`roles.toml`). Each role is a group of Django."""

import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet

GROUPS: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("roles.toml").read_text(encoding="utf-8"))


class RoleBackend(ModelBackend):
    """Permissions come from roles alone, never from single accounts. That also saves one statement on every page."""

    def authenticate(self, request: Any, username: str | None = None, password: str | None = None, **more: Any) -> Any:
        """Take the email address of an account for its user name. The same statements run, whatever is typed (A13)."""
        person = find_account(username or "")
        return super().authenticate(request, person.username if person else username, password, **more)

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()


def create_groups(**_signal: Any) -> None:
    """Create the groups, and set their permissions to exactly those of `roles.toml`. Called after every migration."""
    for name, labels in GROUPS.items():
        group, _created = Group.objects.get_or_create(name=name)
        chosen = Q()
        for label in chain(*GROUPS.values()) if name == "owner" else labels:
            app_label, codename = label.split(".")
            chosen |= Q(content_type__app_label=app_label, codename=codename)
        group.permissions.set(Permission.objects.filter(chosen))


def owners() -> QuerySet[User]:
    """Returns the accounts that may do all of it, and can sign in: an invitation that nobody accepted is no owner."""
    may = Q(is_superuser=True) | Q(groups__name="owner")
    invited = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    return User.objects.filter(may, is_active=True, is_staff=True).exclude(invited).distinct()


def find_account(typed: str) -> User | None:
    """Returns the account with this user name, else the active one with this email address, in any case.

    Returns None if several accounts have the address: nobody can tell who typed it.
    """
    by_address = Q(email__iexact=typed, email__gt="", is_active=True, is_staff=True)
    found = list(User.objects.filter(Q(username=typed) | by_address))
    named = [person for person in found if person.username == typed] or found
    return named[0] if len(named) == 1 else None


def alarm_recipients() -> list[int]:
    """Returns the ids of the active accounts that get alarms by email: owners and moderators."""
    recipients = Q(is_superuser=True) | Q(groups__name__in=["owner", "moderator"])
    return list(User.objects.filter(recipients, is_active=True, is_staff=True).distinct().values_list("pk", flat=True))
