"""What every template knows: who runs the site, and on which day a static mirror was made."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from campaign.web.mirror_request import mirror_date


def site(request: HttpRequest) -> dict[str, Any]:
    """Who runs the site and whom to write to: on every page; and of which day a copy is."""
    return {
        "organization_name": settings.ORGANIZATION_NAME,
        "contact_email": settings.CONTACT_EMAIL,
        "site_url": settings.SITE_URL,
        "mirror_date": mirror_date(request),
    }
