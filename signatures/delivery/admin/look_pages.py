"""Look at it first: the worker typesets a draft, and a page waits for what it finds."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.tasks.base import TaskResult, TaskResultStatus
from django.tasks.exceptions import TaskResultDoesNotExist, TaskResultMismatch
from django.template.response import TemplateResponse
from django.utils import timezone

from signatures import tasks
from signatures.delivery import looks, pdf
from signatures.models import Delivery, SignedLetter

REFRESH_SECONDS = 2  # the page reloads itself so often while the worker typesets
GIVEN_UP_AFTER = timedelta(hours=1)  # a worker that was killed never finishes its task


def ask(request: HttpRequest, letter_id: int) -> HttpResponse:
    """On POST has the worker look at the list, and leads to the page that waits for it."""
    letter = get_object_or_404(SignedLetter, pk=letter_id)
    paper = request.POST.get("paper")
    if paper not in pdf.PAPERS:
        return redirect("admin:signatures_delivery_freeze", letter_id)
    asked = tasks.look_at_list.enqueue(letter.pk, paper)
    return redirect("admin:signatures_delivery_looked", letter.pk, asked.id)


def answer(request: HttpRequest, letter_id: int, asked: str, *, site: AdminSite) -> HttpResponse:
    """Shows what was found, or waits for it."""
    letter = get_object_or_404(SignedLetter, pk=letter_id)
    try:
        result: TaskResult[Any, Any] = tasks.look_at_list.get_result(asked)
    except (TaskResultDoesNotExist, TaskResultMismatch):
        raise Http404 from None
    if result.args[:1] != [letter.pk]:
        raise Http404
    context: dict[str, Any] = {"title": "Look at it first", "opts": Delivery._meta, "letter": letter}
    if result.status == TaskResultStatus.SUCCESSFUL:
        if sentence := result.return_value.get("refused"):
            messages.error(request, sentence)
            return redirect("admin:signatures_delivery_freeze", letter_id)
        context["look"] = looks.shown(letter, result.return_value)
    context["waits"] = waits = not result.is_finished and _age(result) < GIVEN_UP_AFTER
    page = TemplateResponse(request, "admin/signatures/delivery/look.html", site.each_context(request) | context)
    if waits:
        page["Refresh"] = str(REFRESH_SECONDS)  # works without JavaScript
    return page


def _age(result: TaskResult[Any, Any]) -> timedelta:
    return timezone.now() - result.enqueued_at if result.enqueued_at else timedelta()
