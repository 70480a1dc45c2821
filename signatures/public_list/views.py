"""The public names: the list, how many there are of each country, and one address for each name."""

import uuid
from contextlib import nullcontext
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_countries import countries

from campaign.letters import text_cache
from campaign.web.middleware import public_page
from signatures import counts
from signatures.models import Signature, SignatureQuerySet
from signatures.public_list import pagination, search
from signatures.public_list.forms import ListForm
from signatures.states import Kind

ORGANIZATIONS = 24  # on the first page of the list, beside those that staff put first


@require_safe
@public_page
def signatories(request: HttpRequest, slug: str) -> HttpResponse:
    """The public names: organizations and featured, each in a section above everybody else; the latter page by page.

    With a search all stand in one list, and `kind=organization` is the list of the organizations alone.
    """
    translation, form, found = text_cache.newest(slug), ListForm(request.GET), {}
    letter = translation.revision.letter
    try:
        found = _names(letter.pk, form, request.GET)
    except search.TooManyMatches:
        form.refuse_so_many()
    except pagination.InvalidCursor:
        raise BadRequest("no such place in the list") from None
    figures = counts.for_letter(letter.pk)
    context = {"letter": letter, "translation": translation, "form": form, "counts": figures, **found}
    return _unlisted(render(request, "public_list/list.html", context, status=200 if form.is_valid() else 422))


@require_safe
@public_page
def countries_page(request: HttpRequest, slug: str) -> HttpResponse:
    """How many public names there are of each country; of others nothing is told (P4)."""
    translation = text_cache.newest(slug)
    letter = translation.revision.letter
    context = {"letter": letter, "translation": translation, "countries": _by_country(letter.pk)}
    return render(request, "public_list/countries.html", context)


@require_safe
@public_page
def entry(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """One public name, at an address of its own."""
    translation = text_cache.newest(slug)
    found = Signature.objects.filter(letter=translation.revision.letter, public_id=public_id).public().first()
    if found is None:
        raise Http404
    context = {"letter": translation.revision.letter, "translation": translation, "row": found}
    return _unlisted(render(request, "public_list/entry.html", context))


def _unlisted(response: HttpResponse) -> HttpResponse:
    """Names are not for search engines."""
    response["X-Robots-Tag"] = "noindex"
    return response


def _names(letter_id: int, form: ListForm, asked: QueryDict) -> dict[str, Any]:
    """One page of names, and the ways on and back."""
    public = Signature.objects.filter(letter_id=letter_id).public()
    wanted = form.cleaned_data if form.is_valid() else {}
    of_organizations = asked.get("kind") == Kind.ORGANIZATION
    words, country = search.search_words(wanted.get("q", "")), wanted.get("country", "")
    if words or country:
        chosen = public.filter(country=country) if country else public
    else:
        chosen = public.filter(
            kind=Kind.ORGANIZATION if of_organizations else Kind.PERSON, featured_position__isnull=True
        )
    take = search.matching(words, letter_id=letter_id, country=country) if words else pagination.fetch_first
    order = pagination.ORDERS[wanted.get("order", "")]
    with search.time_limit() if words else nullcontext():
        page = pagination.paginate(
            chosen, order, after=asked.get("after", ""), before=asked.get("before", ""), take=take
        )
    has_sections = page.is_first and not words and not country
    return {
        "rows": page.rows,
        "is_first": page.is_first,
        "earlier": _asking(asked, before=page.before),
        "following": _asking(asked, after=page.after),
        "beginning": _asking(asked),
        "is_search": bool(words or country),
        "of_organizations": of_organizations,
        **(_sections(public, of_organizations=of_organizations) if has_sections else {}),
    }


def _asking(asked: QueryDict, **mark: str) -> str:
    """The query of another page of the same choice; "" where there is none."""
    if not all(mark.values()):
        return ""
    kept = {name: str(asked[name]) for name in ("q", "country", "order", "kind") if asked.get(name)}
    return urlencode(kept | mark)


def _sections(public: SignatureQuerySet, *, of_organizations: bool) -> dict[str, Any]:
    """What stands above the rest on the first page: whom staff put there, and the newest organizations."""
    featured = list(public.featured())
    organizations = [row for row in featured if row.kind == Kind.ORGANIZATION]
    if of_organizations:
        return {"organizations": organizations}
    newest = list(
        public.filter(kind=Kind.ORGANIZATION, featured_position__isnull=True).newest_first()[: ORGANIZATIONS + 1]
    )
    return {
        "organizations": organizations + newest[:ORGANIZATIONS],
        "further_organizations": len(newest) > ORGANIZATIONS,
        "featured": [row for row in featured if row.kind == Kind.PERSON],
    }


def _by_country(letter_id: int) -> list[dict[str, Any]]:
    """The countries, those with most names first and who gave none last, each with its share of the longest bar."""
    numbers = counts.by_country(letter_id)
    most = max(numbers.values(), default=1)
    rows = [
        {
            "code": code,
            "label": str(countries.name(code)) or _("no country given"),
            "number": number,
            "share": round(100 * number / most, 1),
        }
        for code, number in numbers.items()
    ]
    return sorted(rows, key=lambda row: (not row["code"], -row["number"], row["label"]))
