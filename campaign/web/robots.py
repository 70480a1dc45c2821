"""`robots.txt`: search engines get neither names nor personal links."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from campaign.web.middleware import public_page


@require_safe
@public_page
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", "Disallow: /signature/", "Disallow: /*/signature/", "Disallow: /*signatories/"]
    lines += ["", f"Sitemap: {settings.SITE_URL}/sitemap.xml", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
