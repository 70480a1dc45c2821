"""The public page of a delivery: its counts and digests, and a form that checks a receipt or a digest."""

from functools import partial

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_cache_control

from campaign.web.costs import Cost, costs
from campaign.web.middleware import KEPT_IN_FRONT, public_form, read_only
from signatures.delivery import csv_export, editions, errata, frozen_texts, receipts, statement
from signatures.delivery.forms import ProofForm, known_files
from signatures.models import Delivery

LEAVES_SECONDS = 86_400  # in which a cache asks no more for leaves, which never change


@partial(public_form, most_bytes=3 * receipts.MAX_LENGTH)  # as a browser encodes it
def delivery_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Shows counts, digests, and errata and editions as of the last step of time (threat model S38).

    What is pasted is compared with all digests and not stored.
    """
    delivery = _public(slug, number)
    form = ProofForm(request.POST if request.method == "POST" else None, delivery=delivery)
    public_editions = list(editions.public(delivery))
    known = known_files(delivery, public_editions)
    newest = public_editions[-1].files if public_editions else {}
    context = {
        "delivery": delivery,
        "letter": delivery.letter,
        "form": form,
        "claims": delivery.claims if delivery.has_statement else None,
        "editions": [
            (edition, [(name, digest, known[digest]) for name, digest in edition.digests(delivery.package)])
            for edition in reversed(public_editions)
        ],
        "is_countersigned": statement.COUNTERSIGNATURE in newest,
        "is_time_stamped": statement.TIME_STAMP in newest,
        "printed": frozen_texts.printed(delivery),
        "of_other_texts": frozen_texts.of_other_texts(delivery),
        "texts": frozen_texts.in_package(delivery) if delivery.has_statement else delivery.texts,
        "files": sorted(delivery.files.items()),
        "digest_name": known.get(delivery.digest, ""),
        "errata": errata.public(delivery).order_by("number").values_list("number", flat=True),
    }
    response = render(request, "delivery/delivery_page.html", context, status=422 if form.errors else 200)
    if request.method != "POST":
        patch_cache_control(response, **KEPT_IN_FRONT)
    return response


@read_only
@costs(Cost.DOWNLOAD)
def leaf_hashes(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """Downloads the leaves of a delivery, without numbers and salts: whoever has a receipt finds the own one."""
    delivery = _public(slug, number)
    headers = {"Content-Disposition": f'attachment; filename="{delivery}-leaves.csv"'}
    leaves = csv_export.leaf_hashes(delivery.rows.all())
    response = StreamingHttpResponse(leaves, content_type="text/csv", headers=headers)
    patch_cache_control(response, public=True, immutable=True, max_age=LEAVES_SECONDS)  # they never change
    return response


def _public(slug: str, number: int) -> Delivery:
    public = Delivery.objects.public().filter(letter__slug=slug, number=number)
    return get_object_or_404(public.select_related("letter").defer("subtree_roots"))
