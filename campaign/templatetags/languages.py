"""Template tags about languages: links to a page in other languages, and `lang` attributes."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import is_valid_path
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaign.letters import reading
from campaign.letters.languages import describe, is_known

register = template.Library()

LETTER_PAGE = {"first", "letter", "sign"}  # three addresses of one page


@register.inclusion_tag("languages.html", takes_context=True)
def languages(context: dict[str, Any]) -> dict[str, Any]:
    """Links to this page in each language, each named in that language.

    On a letter's page also to its texts in further languages, and beside each language the one that the letter is in
    there, if that is another.
    """
    request = context["request"]
    query = context["query"] if "query" in context else f"?{request.GET.urlencode()}" if request.GET else ""
    is_letter = _url_name(request) in LETTER_PAGE
    # The page of a broken link must be the same for every link, so it does not repeat the token.
    is_broken_link = _has_token(request) and not any(row in context for row in ("signature", "submission"))
    shown = _shown(context) if is_letter else []
    before = "" if is_letter else reading.prefix_of(reading.asked()).removesuffix("/")
    found = [
        {"code": code, "address": before + address + query, "letter": shown[0] if shown and code not in shown else ""}
        for code, address in (_addresses_of("first") if is_broken_link else _addresses(request))
    ]
    here = next((entry["address"] for entry in found if entry["code"] == translation.get_language()), "")
    further = [code for code in shown if reading.has_prefix(code)]
    found += [{"code": code, "address": reading.prefix_of(code) + here.removeprefix("/")} for code in further]
    return {
        "languages": [{**entry, "name": describe(entry["code"]).own_name} for entry in found],
        "current": (reading.asked() if reading.asked() in further else "") or translation.get_language(),
        "empties_form": is_letter and context.get("form") is not None,
    }


@register.inclusion_tag("languages_head.html", takes_context=True)
def languages_head(context: dict[str, Any]) -> dict[str, Any]:
    """The canonical address of this page and those in other languages, for search engines.

    A letter's page is one for each text, and no version in a language in which there is no text. Empty on error pages
    and personal pages.
    """
    request = context["request"]
    if request.resolver_match is None or _has_token(request):
        return {}
    canonical, default = translation.get_language() or settings.LANGUAGE_CODE, settings.LANGUAGE_CODE
    addresses = dict(_addresses(request))
    if _url_name(request) in LETTER_PAGE and (shown := _shown(context)):
        canonical, default = context["translation"].language, shown[0]
        addresses = {code: reading.address(code, "letter", context["letter"].slug) for code in shown}
    return {
        "site_url": settings.SITE_URL,
        "addresses": {code: address for code, address in addresses.items() if is_known(code)},
        "canonical": addresses[canonical],
        "default": addresses[default],
    }


def _shown(context: dict[str, Any]) -> list[str]:
    """Returns the languages in which the letter of the page has a text, the authoritative one first."""
    return list(getattr(context.get("translation"), "languages", []))


@register.simple_tag
def lang(code: str | None) -> SafeString:
    """Returns `lang` and `dir` of an element with text in this language; "" if the page is in the same language."""
    if not code or code == translation.get_language():
        return SafeString("")
    if not is_known(code):
        return SafeString(' lang="" dir="auto"')
    return format_html(' lang="{}" dir="{}"', code, describe(code).direction)


@register.simple_tag
def asked_language() -> str:
    """Returns the language in which the reader asked for the letter; "" for that of the page."""
    return reading.asked()


@register.filter
def language_name(code: str) -> str:
    """Returns the name of a language in the language of the page."""
    return describe(code).name


@register.simple_tag
def letter_in(code: str, slug: str) -> str:
    """Returns the address of a letter in this language; "" if nothing can be published in it."""
    return reading.address(code, "letter", slug) if is_known(code) else ""


def _url_name(request: HttpRequest) -> str:
    return (request.resolver_match and request.resolver_match.url_name) or ""


def _has_token(request: HttpRequest) -> bool:
    return bool(request.resolver_match and "token" in request.resolver_match.kwargs)


def _addresses(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """Yields each language with the address of this page in it; that of its home page if there is none."""
    if _url_name(request) == "sign":  # takes POST only
        yield from _addresses_of("letter", request.resolver_match.kwargs["slug"])  # type: ignore[union-attr]  # it has a URL name
        return
    path = request.path_info.removeprefix("/")
    first, _slash, rest = path.partition("/")
    if first != settings.LANGUAGE_CODE and first == translation.get_language():
        path = rest
    yield from _addresses_of_path(path, tuple(code for code, _label in settings.LANGUAGES))


@lru_cache(maxsize=1024)  # a page asks twice, and to resolve the path in each language takes an eighth of a list page
def _addresses_of_path(path: str, codes: tuple[str, ...]) -> list[tuple[str, str]]:
    found = []
    for code in codes:
        prefix = "/" if code == settings.LANGUAGE_CODE else f"/{code}/"
        with translation.override(code):
            found.append((code, prefix + path if is_valid_path(prefix + path) else prefix))
    return found


def _addresses_of(name: str, *args: Any) -> Iterator[tuple[str, str]]:
    for code, _label in settings.LANGUAGES:
        yield code, reading.address(code, name, *args)
