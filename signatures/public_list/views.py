"""Public pages about names: the list, the numbers by country, and one page for each name."""

import uuid
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_countries import countries

from campaign.letters import reading, text_cache
from campaign.models import Translation
from campaign.runtime.replica import alias, reads_replica
from campaign.web.costs import Cost, costs
from campaign.web.middleware import public_page
from campaign.web.mirror_request import mirror_date
from campaign.web.query_parameters import query_parameters
from signatures import counts
from signatures.models import ListedRow, Signature, SignatureQuerySet
from signatures.public_list import frames, pagination, search
from signatures.public_list.forms import ListForm
from signatures.signing.form_fields import select_country
from signatures.states import Kind
from signatures.values.normalization import search_words

MAX_ORGANIZATIONS = 24  # newest organizations on the first page, beside the featured ones
SEARCH_PARAMETERS = ("q", "country", "order", "kind")  # of all pages of one search


@dataclass(frozen=True)
class Listing:
    """The names of one page, and what it says of them."""

    rows: Sequence[ListedRow | Signature] = ()
    is_first: bool = False
    previous_query: str = ""
    next_query: str = ""
    is_search: bool = False
    only_organizations: bool = False
    has_sections: bool = False


@require_safe
@public_page
@reads_replica
@query_parameters(*SEARCH_PARAMETERS, "after", "before")
@costs(Cost.SEARCH)
def signatories(request: HttpRequest, slug: str, page: pagination.Page | None = None) -> HttpResponse:
    """The list of public names, page by page.

    The first page begins with sections for organizations and featured names. Search results are one list without
    sections. `kind=organization` lists organizations only.

    The static mirror gives the `page`: it cuts its pages elsewhere (`static_mirror.cutting`).
    """
    text, form = text_cache.newest(slug), ListForm(request.GET)
    try:
        listing = _listing(text.revision.letter_id, form, request.GET, page)
    except search.TooManyMatches:
        form.add_error("q", _("Too many names match this. Please type more of the name."))
        listing = Listing()
    except pagination.InvalidCursor:
        raise BadRequest("The cursor is malformed.") from None
    html = _render(request, text, form, listing)
    return _noindex(HttpResponse(html, status=200 if form.is_valid() else 422))


def _render(request: HttpRequest, text: Translation, form: ListForm, listing: Listing) -> str:
    """Returns the page: its names in a frame, which is rendered anew only where another page cannot have the same."""
    letter, typed, order = text.revision.letter, request.GET.get("q", ""), request.GET.get("order", "")
    shape = (
        letter.slug, get_language(), reading.asked(), order, bool(typed), bool(listing.rows), listing.is_first,
        bool(listing.previous_query), bool(listing.next_query), listing.is_search, listing.only_organizations,
        listing.has_sections,
    )  # fmt: skip
    country = request.GET.get("country", "")

    def render_frame() -> frames.Frame:
        shown = ListForm({"q": typed and frames.hole("q"), "order": order}) if form.is_valid() else form
        return _frame(request, text, shown, listing)

    # A page without a query is kept whole, for as long. A mirror says of each page where it is on the site.
    can_be_kept = form.is_valid() and request.META.get("QUERY_STRING") and not mirror_date(request)
    frame = frames.kept(shape, render_frame) if can_be_kept else render_frame()
    names = render_to_string("public_list/names.html", {"letter": letter, **vars(listing)})
    html = frame.filled({
        "names": names,
        "q": escape(typed),
        "query": escape(f"?{request.GET.urlencode()}" if request.GET else ""),
        "previous": escape(listing.previous_query),
        "next": escape(listing.next_query),
    })  # fmt: skip
    return select_country(html, country) if form.is_valid() else html


def _frame(request: HttpRequest, text: Translation, form: ListForm, listing: Listing) -> frames.Frame:
    """Returns the page without its names, what was searched for, and the addresses that repeat it."""
    letter = text.revision.letter
    public = Signature.objects.using(alias()).filter(letter=letter).public().for_list()
    context = {
        "letter": letter,
        "translation": text,
        "form": form,
        "counts": counts.published(letter.pk),
        **{
            name: value for name, value in vars(listing).items() if name not in {"rows", "previous_query", "next_query"}
        },
        "names": frames.hole("names") if listing.rows else "",
        "query": frames.hole("query"),
        "previous": frames.hole("previous") if listing.previous_query else "",
        "next": frames.hole("next") if listing.next_query else "",
        **(_sections(public, only_organizations=listing.only_organizations) if listing.has_sections else {}),
    }
    return frames.Frame(render_to_string("public_list/list.html", context, request))


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


def _listing(letter_id: int, form: ListForm, query: QueryDict, given: pagination.Page | None) -> Listing:
    """Returns one page of names."""
    public = Signature.objects.using(alias()).filter(letter_id=letter_id).public()
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
    return Listing(
        rows=page.rows,
        is_first=page.is_first,
        previous_query=_query_string(query, before=page.before),
        next_query=_query_string(query, after=page.after),
        is_search=bool(words or country),
        only_organizations=only_organizations,
        has_sections=page.is_first and not words and not country,
    )


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
