"""The index of letters: those that are open, closed or delivered. Drafts and archived ones are not in it."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaign.letters import reading
from campaign.models import Letter, Translation, in_language
from campaign.runtime.replica import reads_replica
from campaign.web.middleware import public_page
from campaign.web.query_parameters import query_parameters
from signatures import counts
from signatures.models import Delivery

PER_PAGE = 20


@require_safe
@public_page
@reads_replica
@query_parameters("page")
def letters_page(request: HttpRequest) -> HttpResponse:
    """The letters page by page, that of the home page first, each with its title in the language of the page.

    It is there however many letters there are, so that its address never changes what it means. With one letter no
    page links to it.
    """
    page = Paginator(Letter.objects.listed(), PER_PAGE).get_page(request.GET.get("page"))
    letters = list(page)
    texts = Translation.objects.defer("body", "addressee", "signatories").shown_of(letters)
    numbers = counts.published_of([letter.pk for letter in letters])
    deliveries = Delivery.objects.handed_over().filter(letter__in=letters).defer("subtree_roots").order_by("number")
    newest = {delivery.letter_id: delivery for delivery in deliveries}
    rows = [
        {
            "letter": letter,
            "translation": in_language(texts[letter.pk], reading.wanted()),
            "counts": numbers[letter.pk],
            "delivery": newest.get(letter.pk),
        }
        for letter in letters
        if letter.pk in texts
    ]
    return render(request, "public_list/letters.html", {"rows": rows, "page": page})
