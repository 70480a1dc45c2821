"""The sitemap: letters in their languages, their history, the privacy notice. Never a name (threat model P5)."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps.views import sitemap as render_sitemap
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from campaign.letters import reading, text_cache
from campaign.letters.languages import is_known
from campaign.models import Letter, Translation
from campaign.web.middleware import public_page
from campaign.web.query_parameters import query_parameters

Item = tuple[str, tuple[str, ...], list[str]]  # name of the URL pattern, its arguments, its languages


class Pages(Sitemap[Item]):
    """Each page in its languages, with links to the same page in the others."""

    i18n = alternates = x_default = True

    def items(self) -> list[Item]:
        all_languages = [code for code, _name in settings.LANGUAGES]
        found: list[Item] = [(name, (), all_languages) for name in ("privacy", "help", "accessibility")]
        if text_cache.has_several_letters():
            found.append(("letters", (), [code for code, _name in settings.LANGUAGES]))
        for slug, languages in _languages_by_slug().items():
            pages = [code for code in languages if code in dict(settings.LANGUAGES)] or [settings.LANGUAGE_CODE]
            found += [("letter", (slug,), languages), ("history", (slug,), pages)]
            found.append(("letter-privacy", (slug,), [code for code, _name in settings.LANGUAGES]))
        return found

    def get_languages_for_item(self, item: Item) -> list[str]:
        return item[2]

    def location(self, item: Item) -> str:
        return reading.address(get_language() or settings.LANGUAGE_CODE, item[0], *item[1])

    # Scheme and host come from the settings: the host of a request can be forged (threat model P10).
    def get_protocol(self, protocol: str | None = None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site: Any = None) -> str:
        return urlsplit(settings.SITE_URL).netloc


def _languages_by_slug() -> dict[str, list[str]]:
    """Returns, for each letter of the index, the languages in which it has a text with an address of its own."""
    texts = Translation.objects.published().filter(revision__letter__in=Letter.objects.listed())
    columns = ("revision__letter__slug", "language")
    found: dict[str, list[str]] = {}
    for slug, language in texts.order_by(*columns).values_list(*columns).distinct():
        found.setdefault(slug, []).extend([language] if is_known(language) else [])
    return found


@require_safe
@public_page
@query_parameters("p")  # of Django, which makes a sitemap of many pages in parts
def sitemap(request: HttpRequest) -> HttpResponse:
    return render_sitemap(request, sitemaps={"pages": Pages()})
