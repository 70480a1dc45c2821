"""The pages on which a reader reports a public name."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from campaign.letters import text_cache
from campaign.web.client_network import client_network, wide_network_of
from campaign.web.middleware import public_form
from campaign.web.responses import see_other
from signatures.models import Signature
from signatures.moderation import reports
from signatures.moderation.forms import ReportForm
from signatures.screening import rate_limits
from signatures.signing.kept_answers import keeps_answer


@keeps_answer
@public_form
def report_page(request: HttpRequest, slug: str, public_id: uuid.UUID) -> HttpResponse:
    """The report form. Every valid report gets the same answer, whatever happened to the name meanwhile."""
    translation = text_cache.newest(slug)
    letter, is_sent = translation.revision.letter, request.method == "POST"
    form = ReportForm(request.POST if is_sent else None)
    if is_sent and form.is_valid():
        if rate_limits.count_event(_buckets(client_network(request))).over:
            return render(request, "429.html", {"letter": letter}, status=429)
        reports.report_name(letter, public_id, why=form.cleaned_data["why"])
        return see_other("reported", slug)
    row = Signature.objects.filter(letter=letter, public_id=public_id).public().first()
    if row is None:
        raise Http404
    context = {"letter": letter, "translation": translation, "row": row, "form": form}
    response = render(request, "moderation/report.html", context, status=422 if is_sent else 200)
    response["X-Robots-Tag"] = "noindex"
    return response


def _buckets(network: str) -> dict[str, str]:
    wide = wide_network_of(network)
    return {"report": network, **({"report-wide": wide} if wide else {})}
