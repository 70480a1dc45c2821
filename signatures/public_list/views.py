"""Public pages about names: the list, the numbers by country, and one page for each name."""

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
from campaign.runtime.replica import alias, reads_replica
from campaign.web.middleware import public_page
from campaign.web.query_parameters import query_parameters
from signatures import counts
from signatures.models import Signature, SignatureQuerySet
from signatures.public_list import pagination, search
from signatures.public_list.forms import ListForm
from signatures.states import Kind
from signatures.values.normalization import search_words

MAX_ORGANIZATIONS = 24  # newest organizations on the first page, beside the featured ones
SEARCH_PARAMETERS = ("q", "country", "order", "kind")  # of all pages of one search


@require_safe
@public_page
@reads_replica
@query_parameters(*SEARCH_PARAMETERS, "after", "before")
def signatories(request: HttpRequest, slug: str, page: pagination.Page | None = None) -> HttpResponse:
    """The list of public names, page by page.

    The first page begins with sections for organizations and featured names. Search results are one list without
    sections. `kind=organization` lists organizations only.

    The static mirror gives the `page`: it cuts its pages elsewhere (`static_mirror.cutting`).
    """
    translation, form = text_cache.newest(slug), ListForm(request.GET)
    letter = translation.revision.letter
    context = {"letter": letter, "translation": translation, "form": form, "counts": counts.published(letter.pk)}
    try:
        context |= _names(letter.pk, form, request.GET, page)
    except search.TooManyMatches:
        form.add_error("q", _("Too many names match this. Please type more of the name."))
    except pagination.InvalidCursor:
        raise BadRequest("The cursor is malformed.") from None
    return _noindex(render(request, "public_list/list.html", context, status=200 if form.is_valid() else 422))


@require_safe
@public_page
@reads_replica
def countries_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The number of public names by country. Names that are not public are not counted here (threat model P4)."""
    translation = text_cache.newest(slug)
    letter = translation.revision.letter
    context = {"letter": letter, "translation": translation, "countries": _by_country(letter.pk)}
    return render(request, "public_list/countries.html", context)


@require_safe
@public_page
@reads_replica
def entry(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """The page of one public name."""
    translation = text_cache.newest(slug)
    rows = Signature.objects.using(alias()).filter(letter=translation.revision.letter_id, public_id=public_id)
    signature = rows.public().first()
    if signature is None:
        raise Http404
    context = {"letter": translation.revision.letter, "translation": translation, "row": signature}
    return _noindex(render(request, "public_list/entry.html", context))


def _noindex(response: HttpResponse) -> HttpResponse:
    """Keeps names out of search engines."""
    response["X-Robots-Tag"] = "noindex"
    return response


def _names(letter_id: int, form: ListForm, query: QueryDict, given: pagination.Page | None) -> dict[str, Any]:
    """Returns the context of one page of names."""
    public = Signature.objects.using(alias()).filter(letter_id=letter_id).public().for_list()
    chosen = form.cleaned_data if form.is_valid() else {}
    words, country = search_words(chosen.get("q", "")), chosen.get("country", "")
    only_organizations = query.get("kind") == Kind.ORGANIZATION
    if words or country:
        listed = public.filter(country=country) if country else public
    else:
        listed = public.listed_by_page(Kind.ORGANIZATION if only_organizations else Kind.PERSON)
    with search.time_limit() if words else nullcontext():
        page = given or pagination.paginate(
            listed,
            pagination.ORDERS[chosen.get("order", "")],
            after=query.get("after", ""),
            before=query.get("before", ""),
            fetch=search.Search(words, letter_id, country).fetch if words else pagination.fetch_rows,
        )
    has_sections = page.is_first and not words and not country
    return {
        "rows": page.rows,
        "is_first": page.is_first,
        "previous_query": _query_string(query, before=page.before),
        "next_query": _query_string(query, after=page.after),
        "is_search": bool(words or country),
        "only_organizations": only_organizations,
        **(_sections(public, only_organizations=only_organizations) if has_sections else {}),
    }


def _query_string(query: QueryDict, **cursor: str) -> str:
    """Returns the query string of another page of the same search; "" without a cursor."""
    if not all(cursor.values()):
        return ""
    kept = {name: str(query[name]) for name in SEARCH_PARAMETERS if query.get(name)}
    return urlencode(kept | cursor)


def _sections(public: SignatureQuerySet, *, only_organizations: bool) -> dict[str, Any]:
    """Returns the sections of the first page: organizations (featured, then newest) and featured people."""
    featured = list(public.featured())
    organizations = [row for row in featured if row.kind == Kind.ORGANIZATION]
    if only_organizations:
        return {"organizations": organizations}
    newest = public.filter(kind=Kind.ORGANIZATION, featured_position__isnull=True).newest_first()
    newest_rows = list(newest[: MAX_ORGANIZATIONS + 1])
    return {
        "organizations": organizations + newest_rows[:MAX_ORGANIZATIONS],
        "has_more_organizations": len(newest_rows) > MAX_ORGANIZATIONS,
        "featured": [row for row in featured if row.kind == Kind.PERSON],
    }


def _by_country(letter_id: int) -> list[dict[str, Any]]:
    """Returns one row per country, most names first and "no country" last, with its share of the longest bar in %."""
    numbers = counts.published_by_country(letter_id)
    maximum = max(numbers.values(), default=1)
    rows = [
        {
            "code": code,
            "label": str(countries.name(code)) or _("no country given"),
            "number": number,
            "share": round(100 * number / maximum, 1),
        }
        for code, number in numbers.items()
    ]
    return sorted(rows, key=lambda row: (not row["code"], -row["number"], row["label"]))
