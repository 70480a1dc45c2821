"""The addresses that belong to the mirror, and the file of each."""

from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils import translation

from campaign.runtime.regular_expressions import ASCII, linear

MIRRORED_PAGES = {"letter-privacy", "look", "logo"} | frozenset(
    {"first", "letter", "history", "news", "privacy", "signatories", "countries", "delivery", "api", "robots"}
)
# The list is mirrored newest first, and organizations alone. Each other order or search would be as many pages again.
MIRRORED_QUERIES = {"signatories": frozenset({"after", "kind"})}
_PLAIN = linear(r"[\w.-]{1,80}", ASCII)


def language_of(path: str) -> str:
    return translation.get_language_from_path(path) or settings.LANGUAGE_CODE


@lru_cache(maxsize=4096)
def _name_of(path: str) -> str:
    try:
        with translation.override(language_of(path)):
            return resolve(path).url_name or ""
    except Resolver404:
        return ""


def file_for(address: str) -> str | None:
    """Returns the file of an address of this site, relative to the folder; None if it is not mirrored."""
    parts = urlsplit(address)
    name = _name_of(parts.path)
    query = parse_qsl(parts.query, keep_blank_values=True)
    fits = all(key in MIRRORED_QUERIES.get(name, ()) and _PLAIN.fullmatch(value) for key, value in query)
    if name not in MIRRORED_PAGES or not fits:
        return None
    folder, _slash, last = parts.path.lstrip("/").rpartition("/")
    if not last:
        last = "-".join(f"{key}-{value}" for key, value in sorted(query)) or "index"
        last += ".json" if name == "api" else ".html"
    return f"{folder}/{last}" if folder else last


def static_name(path: str) -> str | None:
    """Returns the name of a static file in its storage; None for any other address."""
    prefix = str(settings.STATIC_URL)
    return unquote(path.removeprefix(prefix)) if path.startswith(prefix) else None


def static_file(name: str) -> str:
    return f"static/{name}"
