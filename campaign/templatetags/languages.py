"""Template tags about languages: links to a page in other languages, and `lang` attributes."""

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

LETTER_PAGE = {"first", "letter", "sign"}  # three addresses of one page


@register.inclusion_tag("languages.html", takes_context=True)
def languages(context: dict[str, Any]) -> dict[str, Any]:
    """Links to this page in each language, each named in that language."""
    request = context["request"]
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    is_letter = _url_name(request) in LETTER_PAGE
    # The page of a broken link must be the same for every link, so it does not repeat the token.
    is_broken_link = _has_token(request) and "signature" not in context
    return {
        "languages": [
            {"code": code, "name": translation.get_language_info(code)["name_local"], "address": address + query}
            for code, address in (_addresses_of("first") if is_broken_link else _addresses(request))
        ],
        "current": translation.get_language(),
        "empties_form": is_letter and context.get("form") is not None,
    }


@register.inclusion_tag("languages_head.html", takes_context=True)
def languages_head(context: dict[str, Any]) -> dict[str, Any]:
    """The canonical address of this page and those in other languages, for search engines.

    Empty on error pages and personal pages.
    """
    request = context["request"]
    if request.resolver_match is None or _has_token(request):
        return {}
    slug = context["letter"].slug if _url_name(request) in LETTER_PAGE and context.get("letter") else None
    addresses = dict(_addresses(request) if slug is None else _addresses_of("letter", slug))
    return {
        "site_url": settings.SITE_URL,
        "addresses": addresses,
        "canonical": addresses[translation.get_language() or settings.LANGUAGE_CODE],
        "default": addresses[settings.LANGUAGE_CODE],
    }


@register.simple_tag
def lang(code: str | None) -> SafeString:
    """Returns `lang` and `dir` of an element with text in this language; "" if the page is in the same language."""
    if not code or code == translation.get_language():
        return SafeString("")
    return format_html(' lang="{}" dir="{}"', code, "rtl" if _info(code)["bidi"] else "ltr")


@register.filter
def language_name(code: str) -> str:
    """Returns the name of a language in the language of the page."""
    return str(_info(code)["name_translated"])


@register.simple_tag
def letter_in(code: str, slug: str) -> str:
    """Returns the address of a letter in this language; "" if it is not a language of the site."""
    return dict(_addresses_of("letter", slug)).get(code, "")


def _info(code: str) -> dict[str, Any]:
    try:
        info: dict[str, Any] = translation.get_language_info(code)
    except KeyError:  # a letter may be in a language that Django does not know
        info = {"bidi": False, "name_translated": code}
    return info


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
    for code, _label in settings.LANGUAGES:
        prefix = "/" if code == settings.LANGUAGE_CODE else f"/{code}/"
        with translation.override(code):
            yield code, prefix + path if is_valid_path(prefix + path) else prefix


def _addresses_of(name: str, *args: Any) -> Iterator[tuple[str, str]]:
    for code, _label in settings.LANGUAGES:
        with translation.override(code):
            yield code, reverse(name, args=args)
