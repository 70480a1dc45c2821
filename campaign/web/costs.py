"""Public pages that cost much: each kind gets a share of the threads, and all others stay quick (threat model S43)."""

from collections.abc import Callable
from enum import Enum, auto

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from campaign.letters import reading
from campaign.web import query_parameters


class Cost(Enum):
    SEARCH = auto()  # a page that is in no cache when its address has parameters that the view reads
    DOWNLOAD = auto()  # a file that is made while it is sent


def costs[View: Callable[..., HttpResponseBase]](cost: Cost) -> Callable[[View], View]:
    """Mark a view whose requests get a share of the threads."""

    def mark(view: View) -> View:
        view.cost = cost  # type: ignore[attr-defined]  # as Django marks CSRF-exempt views
        return view

    return mark


def cost_of(request: HttpRequest) -> Cost | None:
    """Returns which share a GET belongs to, before the first middleware; None for all that share nothing."""
    view = query_parameters.view_of(reading.split(request.path_info)[1])
    cost: Cost | None = getattr(view, "cost", None)
    if cost is Cost.SEARCH and not query_parameters.read_by(view, request.META["QUERY_STRING"]):
        return None
    return cost
