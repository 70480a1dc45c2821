"""The names under which staff appear to their colleagues: rows and audit entries hold ids alone."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.cache import cache

CACHE_SECONDS = 60


def staff_names(ids: Iterable[int | None]) -> dict[int, str]:
    """Returns the user name of each account, by its id; at most a minute old. A deleted account is called so."""
    wanted = {number for number in ids if number is not None}
    known: dict[int, str] = cache.get("staff-names") or {}
    if not wanted <= known.keys():
        names = dict(User.objects.filter(is_staff=True).values_list("pk", "username"))
        known = {number: f"deleted account no. {number}" for number in wanted} | names
        cache.set("staff-names", known, CACHE_SECONDS)
    return {number: known[number] for number in wanted}


def staff_column(column: str, description: str) -> Any:
    """Returns a column of an admin page that shows the name of the account in this column of the row."""

    @admin.display(description=description, ordering=column)
    def shown(row: Any) -> str:
        number = getattr(row, column)
        return staff_names([number]).get(number, "-")

    return shown
