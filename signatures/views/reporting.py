"""A reader reports a public name."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaign import network
from campaign.middleware import public_page
from signatures import limits, workflow
from signatures.forms import ReportForm
from signatures.models import Signature
from signatures.views import texts
from signatures.views.answers import see_other


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """The form; and for every valid one the same answer, whatever became of the name meanwhile."""
    translation = texts.newest(slug)
    letter, is_sent = translation.revision.letter, request.method == "POST"
    form = ReportForm(request.POST if is_sent else None)
    if is_sent and form.is_valid():
        if limits.touch({"report": network.of(request)}).over:
            return render(request, "429.html", {"letter": letter}, status=429)
        workflow.report(letter, public_id, why=form.cleaned_data["why"])
        return see_other("reported", slug)
    row = Signature.objects.filter(letter=letter, public_id=public_id).public().first()
    if row is None:
        raise Http404
    context = {"letter": letter, "translation": translation, "row": row, "form": form}
    response = render(request, "signatures/report.html", context, status=422 if is_sent else 200)
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
@public_page
def reported(request: HttpRequest, slug: str) -> HttpResponse:
    """The page after a report, whatever was reported."""
    translation = texts.newest(slug)
    context = {"letter": translation.revision.letter, "translation": translation}
    return render(request, "signatures/reported.html", context)
