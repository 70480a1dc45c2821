"""The files that programs look for at fixed addresses: robots.txt, security.txt and the icons."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from campaign.letters.operators import operator_of
from campaign.web.middleware import public_page, read_only

SECURITY_FILE_DAYS = 180  # RFC 9116 recommends less than a year
ICONS = {file.name: file.read_bytes() for file in (Path(settings.BASE_DIR) / "static" / "img" / "icons").iterdir()}
_TYPES = {".ico": "image/vnd.microsoft.icon", ".png": "image/png"}


@require_safe
@public_page
def robots(_request: HttpRequest) -> HttpResponse:
    """Forbids nothing: pages that no search engine shall show say `noindex`, which only who may open them reads."""
    return _text("User-agent: *", "Disallow:", "", f"Sitemap: {settings.SITE_URL}/sitemap.xml")


@require_safe
@public_page
def security(_request: HttpRequest) -> HttpResponse:
    """Whom to tell of a security problem (RFC 9116). The day makes the time at which it expires."""
    midnight = datetime.combine(timezone.now().date(), time(), UTC)
    return _text(
        f"Contact: mailto:{operator_of(None).contact}",
        f"Expires: {midnight + timedelta(days=SECURITY_FILE_DAYS):%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(code for code, _name in settings.LANGUAGES)}",
        f"Canonical: {settings.SITE_URL}/.well-known/security.txt",
    )


def _text(*lines: str) -> HttpResponse:
    return HttpResponse("\n".join((*lines, "")), content_type="text/plain; charset=utf-8")


@read_only
def icon(_request: HttpRequest, name: str) -> HttpResponse:
    """An icon that browsers ask for without being told of it."""
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse(ICONS[name], content_type=_TYPES[Path(name).suffix], headers=headers)
