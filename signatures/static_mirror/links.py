"""The addresses that belong to the mirror, and the file of each."""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.urls import Resolver404, resolve
from django.utils import translation

from campaign.letters import reading
from campaign.runtime.regular_expressions import ASCII, linear
from signatures.states import Kind

NOBODY = UUID(int=0)
MIRRORED_PAGES = frozenset(
    {
        "first",
        "letter",
        "letters",
        "history",
        "news",
        "privacy",
        "letter-privacy",
        "help",
        "letter-help",
        "accessibility",
        "look",
        "logo",
    }
    | {"signatories", "countries", "delivery", "api", "robots"}
)
# The list is mirrored newest first, and organizations alone. Each other order or search would be as many pages again.
MIRRORED_QUERIES = {"signatories": frozenset({"after", "kind"}), "letters": frozenset({"page"})}
# These alone differ where the letter is read in a language that no page is in: the list would be as many pages again.
PAGES_OF_A_TEXT = frozenset({"first", "letter", "history", "news"})
_PLAIN = linear(r"[\w.-]{1,80}", ASCII)


def language_of(path: str) -> str:
    """Returns the language of the page at an address, whatever language the letter is in there."""
    return translation.get_language_from_path(reading.split(path)[1]) or settings.LANGUAGE_CODE


@lru_cache(maxsize=4096)
def _name_of(path: str) -> str:
    try:
        with translation.override(language_of(path)):
            return resolve(reading.split(path)[1]).url_name or ""
    except Resolver404:
        return ""


def mirrored_address(address: str) -> str:
    """Returns the address at which the mirror has this page."""
    asked, rest = reading.split(address)
    return rest if asked and _name_of(urlsplit(address).path) not in PAGES_OF_A_TEXT else address


class ListPage(NamedTuple):
    """A page of the names of a letter."""

    slug: str
    kind: str
    is_first: bool


def list_page(address: str) -> ListPage | None:
    """Returns which page of names is at a mirrored address; None if another page is."""
    parts = urlsplit(address)
    if _name_of(parts.path) != "signatories":
        return None
    with translation.override(language_of(parts.path)):
        slug = resolve(reading.split(parts.path)[1]).kwargs["slug"]
    query = dict(parse_qsl(parts.query))
    return ListPage(slug, query.get("kind", Kind.PERSON), is_first="after" not in query)


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
