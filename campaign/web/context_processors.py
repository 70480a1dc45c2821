"""Variables of every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from campaign.web.mirror_request import mirror_date


def site(request: HttpRequest) -> dict[str, Any]:
    """The address of the site, and on a page of a static mirror the day it was made.

    Not who runs it: pages about a letter name the organization of the letter (`operators`).
    """
    return {
        "site_url": settings.SITE_URL,
        "mirror_date": mirror_date(request),
    }
