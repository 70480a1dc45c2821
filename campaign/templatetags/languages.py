"""The languages of the site as pages offer them: links to the same page, and what language a text is in."""

from collections.abc import Iterator
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import is_valid_path, reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

LETTER = {"first", "letter", "sign"}  # one page, whichever of its addresses it was asked by


@register.inclusion_tag("languages.html", takes_context=True)
def languages(context: dict[str, Any]) -> dict[str, Any]:
    """Plain links to the same page in each language, each in its own script."""
    request = context["request"]
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    is_letter = _name(request) in LETTER
    # A link that opens nothing has one page, whatever the link: nothing of it is repeated there.
    opens_nothing = _has_token(request) and "signature" not in context
    return {
        "languages": [
            {"code": code, "name": translation.get_language_info(code)["name_local"], "address": address + query}
            for code, address in (_addresses_of("first") if opens_nothing else _addresses(request))
        ],
        "current": translation.get_language(),
        "empties_form": is_letter and context.get("form") is not None,
    }


@register.inclusion_tag("languages_head.html", takes_context=True)
def languages_head(context: dict[str, Any]) -> dict[str, Any]:
    """The one address of this page, and those of its other languages, for search engines.

    None where there is nothing to find: on errors, and behind a personal link.
    """
    request = context["request"]
    if request.resolver_match is None or _has_token(request):
        return {}
    slug = context["letter"].slug if _name(request) in LETTER and context.get("letter") else None
    addresses = dict(_addresses(request) if slug is None else _addresses_of("letter", slug))
    return {
        "site_url": settings.SITE_URL,
        "addresses": addresses,
        "canonical": addresses[translation.get_language() or settings.LANGUAGE_CODE],
        "default": addresses[settings.LANGUAGE_CODE],
    }


@register.simple_tag
def lang(code: str | None) -> SafeString:
    """The attributes of an element whose text is in this language; none where the page is in it, too."""
    if not code or code == translation.get_language():
        return SafeString("")
    return format_html(' lang="{}" dir="{}"', code, "rtl" if _info(code)["bidi"] else "ltr")


@register.filter
def language_name(code: str) -> str:
    """What a language is called in the language of the page."""
    return str(_info(code)["name_translated"])


@register.simple_tag
def letter_in(code: str, slug: str) -> str:
    """Where a letter stands in this language; empty where the site does not speak it."""
    return dict(_addresses_of("letter", slug)).get(code, "")


def _info(code: str) -> dict[str, Any]:
    try:
        info: dict[str, Any] = translation.get_language_info(code)
    except KeyError:  # a letter may be in a language that Django knows nothing of
        info = {"bidi": False, "name_translated": code}
    return info


def _name(request: HttpRequest) -> str:
    return (request.resolver_match and request.resolver_match.url_name) or ""


def _has_token(request: HttpRequest) -> bool:
    return bool(request.resolver_match and "token" in request.resolver_match.kwargs)


def _addresses(request: HttpRequest) -> Iterator[tuple[str, str]]:
    """The address of this page in each language; its first page, where there is no such address."""
    if _name(request) == "sign":  # it takes what is sent, and shows nothing
        yield from _addresses_of("letter", request.resolver_match.kwargs["slug"])  # type: ignore[union-attr]  # it has a name
        return
    bare = request.path_info.removeprefix("/")
    first, _slash, rest = bare.partition("/")
    if first != settings.LANGUAGE_CODE and first == translation.get_language():
        bare = rest
    for code, _words in settings.LANGUAGES:
        prefix = "/" if code == settings.LANGUAGE_CODE else f"/{code}/"
        with translation.override(code):
            yield code, prefix + bare if is_valid_path(prefix + bare) else prefix


def _addresses_of(name: str, *args: Any) -> Iterator[tuple[str, str]]:
    for code, _words in settings.LANGUAGES:
        with translation.override(code):
            yield code, reverse(name, args=args)
