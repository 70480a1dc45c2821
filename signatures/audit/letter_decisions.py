"""Admin pages of decisions about a whole letter: each asks first, and is an audit entry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from campaign.models import Letter
from signatures import letters
from signatures.audit.admin_mixins import staff_id


class _Action(Protocol):
    def __call__(self, letter: Letter, /, *, by: int) -> None: ...


@dataclass(frozen=True, slots=True)
class _Decision:
    title: str
    consequence: str
    done: str
    act: _Action


DECISIONS = {
    "put-first": _Decision(
        "Put this letter on the front page",
        "Within five seconds the front page shows this letter, until staff put another one there or archive this one. "
        "Each letter keeps its own address. You can take it back.",
        "It is on the front page.",
        letters.put_first,
    ),
    "put-first-by-itself": _Decision(
        "Take this letter off the front page",
        "Within five seconds the front page shows the newest open letter again, as it does if nobody has chosen one. "
        "That may be this letter. You can take it back.",
        "The newest open letter is on the front page.",
        letters.put_first_by_itself,
    ),
    "delete": _Decision(
        "Delete this letter",
        "The letter, its texts in all languages, their history, its news and its addresses are deleted for good. "
        "This is possible only while nobody has signed, or been sent a link to confirm. "
        "To take a letter off the index and keep it, make its state “archived”. A deletion cannot be undone.",
        "The letter is deleted.",
        letters.delete,
    ),
}


def _leads_to(name: str) -> Callable[..., HttpResponse]:
    @admin.action(
        description=f"{DECISIONS[name].title}…", permissions=["change"], location=[ActionLocation.CHANGE_FORM]
    )
    def lead(_pages: "LetterDecisions", _request: HttpRequest, chosen: QuerySet[Letter]) -> HttpResponse:
        """Lead to the page that asks."""
        return redirect("admin:campaign_letter_decide", chosen.values_list("pk", flat=True)[0], name)

    return lead


class LetterDecisions(admin.ModelAdmin[Letter]):
    list_display = ("slug", "recipient", "state", "front_page", "goal", "created_at")
    actions = ("put_first", "put_first_by_itself", "delete")
    put_first, put_first_by_itself, delete = map(_leads_to, DECISIONS)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.decide)
        return [path("<int:object_id>/decide/<slug:name>/", page, name="campaign_letter_decide"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Letter]:
        first = Letter.objects.listed().values("pk")[:1]
        return super().get_queryset(request).annotate(first_id=Subquery(first))

    @admin.display(description="front page")
    def front_page(self, obj: Any) -> str:
        return ("chosen" if obj.put_first_at else "by itself") if obj.pk == obj.first_id else "-"

    def decide(self, request: HttpRequest, object_id: int, name: str) -> HttpResponse:
        """GET asks first, POST does it."""
        if name not in DECISIONS:
            raise Http404
        letter, decision = get_object_or_404(Letter, pk=object_id), DECISIONS[name]
        if not self.has_change_permission(request, letter):
            raise PermissionDenied
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": decision.title,
                "letter": letter,
                "consequence": decision.consequence,
                "leave_to": "admin:campaign_letter_changelist",
            }
            return TemplateResponse(request, "admin/ask_first.html", context)
        try:
            decision.act(letter, by=staff_id(request))
        except letters.Refused as error:
            self.message_user(request, f"Nothing was changed. {error}", messages.ERROR)
        else:
            self.message_user(request, decision.done, messages.SUCCESS)
        return redirect("admin:campaign_letter_changelist")
