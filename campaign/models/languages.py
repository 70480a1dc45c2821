"""The languages of the site as choices of a model field."""

from django.conf import settings


def language_choices() -> list[tuple[str, str]]:
    """Return the codes and names of the site's languages.

    A migration keeps the name of this function and not the list, so that a new language needs no migration.
    """
    return list(settings.LANGUAGES)
