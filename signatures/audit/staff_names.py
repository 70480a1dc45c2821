"""The names under which staff appear to their colleagues: entries and claims hold ids alone."""

from collections.abc import Iterable

from django.contrib.auth.models import User


def staff_names(ids: Iterable[int | None]) -> dict[int, str]:
    """Returns the user name of each account, by its id; one that was deleted is called so."""
    wanted = {number for number in ids if number is not None}
    found = dict(User.objects.filter(pk__in=wanted).values_list("pk", "username")) if wanted else {}
    return {number: found.get(number, f"deleted account no. {number}") for number in wanted}
