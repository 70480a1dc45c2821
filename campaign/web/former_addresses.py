"""Former addresses: what is asked for under a slug that a letter had leads to the same under its slug of today."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import reverse
from django.utils.cache import patch_cache_control

from campaign.models import Letter
from campaign.web.middleware import KEPT_IN_FRONT, Middleware


class FormerAddressMiddleware(Middleware):
    """Answers 308 in place of 404 when the slug of the address is a former one, whatever the page and the method are.

    A page that is found pays nothing for it, and a slug that anybody made up costs one look into an index. The redirect
    is for ever, but kept for seconds only: a letter may get its former slug back.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        match = request.resolver_match
        slug = match.kwargs.get("slug") if match and response.status_code == 404 else None
        letter = Letter.objects.published().filter(slugs__slug=slug).exclude(slug=slug).first() if slug else None
        if not match or not letter:
            return response
        address = reverse(match.view_name, kwargs={**match.kwargs, "slug": letter.slug})
        query = request.META.get("QUERY_STRING", "")
        redirect = HttpResponsePermanentRedirect(f"{address}?{query}" if query else address, preserve_request=True)
        # Other sites embed the share image and ask the API: their browsers look at the headers of a redirect, too.
        redirect["Cross-Origin-Resource-Policy"] = "cross-origin"
        redirect["Access-Control-Allow-Origin"] = "*"
        patch_cache_control(redirect, **KEPT_IN_FRONT)
        return redirect
