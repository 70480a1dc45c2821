"""The public page of a delivery: its counts and digests, and a form that checks a receipt or a digest."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_cache_control

from campaign.web.middleware import KEPT_IN_FRONT, public_form
from signatures.delivery import manifest
from signatures.delivery.forms import ProofForm
from signatures.models import Delivery


@public_form
def delivery_page(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Shows counts, digests and root. What is pasted is compared with them and not stored."""
    public = Delivery.objects.public().filter(letter__slug=slug, number=number)
    delivery = get_object_or_404(public.select_related("letter").defer("subtree_roots"))
    form = ProofForm(request.POST if request.method == "POST" else None, delivery=delivery)
    context = {
        "delivery": delivery,
        "letter": delivery.letter,
        "form": form,
        "files": manifest.in_order(delivery.files),
        "errata": delivery.errata.order_by("number").values_list("number", flat=True),
    }
    response = render(request, "delivery/delivery_page.html", context, status=422 if form.errors else 200)
    if request.method != "POST":
        patch_cache_control(response, **KEPT_IN_FRONT)
    return response
