"""Variables of every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from campaign.web.mirror_request import mirror_date


def site(request: HttpRequest) -> dict[str, Any]:
    """Who runs the site, whom to write to, and on a page of a static mirror the day it was made."""
    return {
        "organization_name": settings.ORGANIZATION_NAME,
        "contact_email": settings.CONTACT_EMAIL,
        "site_url": settings.SITE_URL,
        "mirror_date": mirror_date(request),
    }
