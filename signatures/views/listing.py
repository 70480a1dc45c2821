"""The public names: the list, and one address for each."""

import uuid
from datetime import date
from typing import Any

from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaign.middleware import public_page
from signatures import counts
from signatures.forms import SearchForm
from signatures.models import Kind, Signature
from signatures.views import texts

PAGE = 50
ORGANISATIONS = 24  # on the first page of the list, beside those that staff put first


@require_safe
@public_page
def signatories(request: HttpRequest, slug: str) -> HttpResponse:
    """The public names: organisations and notables, each in a section above everybody else; the latter page by page.

    With a search all stand in one list, and `kind=organisation` is the list of the organisations alone.
    """
    translation = texts.newest(slug)
    letter = translation.revision.letter
    form = SearchForm(request.GET)
    public = Signature.objects.filter(letter=letter).public()
    mark, is_searched = request.GET.get("after", ""), bool(form.changed_data)
    of_organisations = request.GET.get("kind") == Kind.ORGANISATION
    sections: dict[str, Any] = {}
    if is_searched and form.is_valid():
        chosen = _search(public, form.cleaned_data["q"], form.cleaned_data["country"])
    else:
        chosen = public.filter(kind=Kind.ORGANISATION if of_organisations else Kind.PERSON, notable__isnull=True)
        sections = {} if mark else _sections(public, of_organisations=of_organisations)
    rows = list(_after(chosen.newest_first(), mark)[: PAGE + 1])
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    query = request.GET.copy()
    if last:
        query["after"] = f"{last.approved_on}.{last.public_id.hex}"
    context = {
        "letter": letter,
        "translation": translation,
        "form": form,
        "rows": rows[:PAGE],
        **sections,
        "of_organisations": of_organisations,
        "following": query.urlencode() if last else "",
        "counts": counts.of(letter.pk),
    }
    response = render(request, "signatures/list.html", context, status=200 if form.is_valid() else 422)
    response["X-Robots-Tag"] = "noindex"
    return response


def _sections(public: Any, *, of_organisations: bool) -> dict[str, Any]:
    """What stands above the rest on the first page: whom staff put there, and the newest organisations."""
    featured = list(public.featured())
    organisations = [row for row in featured if row.kind == Kind.ORGANISATION]
    if of_organisations:
        return {"organisations": organisations}
    newest = public.filter(kind=Kind.ORGANISATION, notable__isnull=True).newest_first()
    newest = list(newest[: ORGANISATIONS + 1])
    return {
        "organisations": organisations + newest[:ORGANISATIONS],
        "further_organisations": len(newest) > ORGANISATIONS,
        "notables": [row for row in featured if row.kind == Kind.PERSON],
    }


def _search(chosen: Any, words: str, country: str) -> Any:
    if country:
        chosen = chosen.filter(country=country)
    if words:
        chosen = chosen.filter(Q(name__icontains=words) | Q(organisation__icontains=words))
    return chosen


def _after(chosen: Any, mark: str) -> Any:
    """The rows behind this mark (day and id of the last one shown)."""
    if not mark:
        return chosen
    before, _dot, behind = mark.partition(".")
    try:
        day, key = date.fromisoformat(before), uuid.UUID(hex=behind)
    except ValueError:
        raise BadRequest("no such place in the list") from None
    # The first condition alone is the one an index can begin at.
    return chosen.filter(Q(approved_on__lte=day), Q(approved_on__lt=day) | Q(public_id__gt=key))


@require_safe
@public_page
def entry(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """One public name, at an address of its own."""
    translation = texts.newest(slug)
    found = Signature.objects.filter(letter=translation.revision.letter, public_id=public_id).public().first()
    if found is None:
        raise Http404
    response = render(
        request, "signatures/entry.html", {"letter": found.letter, "translation": translation, "row": found}
    )
    response["X-Robots-Tag"] = "noindex"
    return response
