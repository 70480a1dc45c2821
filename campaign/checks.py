"""Checks of the settings for operators: `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def deployment(**_options: Any) -> list[checks.CheckMessage]:
    """Return warnings about settings that are fine on one's own machine, but not on a public site."""
    found: list[checks.CheckMessage] = []
    if settings.LOCAL_MODE:
        found.append(
            checks.Warning(
                "SITE_URL names this machine: the site is in local mode.",
                hint="Set SITE_URL to the address people will use.",
                id="campaign.W001",
            )
        )
    if not settings.EMAIL_URL:
        found.append(
            checks.Warning(
                "Emails are written to files: nobody will receive their link.",
                hint="Set EMAIL_URL.",
                id="campaign.W002",
            )
        )
    if not settings.DATABASE_URL:
        found.append(
            checks.Warning(
                "The embedded PostgreSQL is in use: back up VAR_DIR.",
                hint="Or set DATABASE_URL to a server that is backed up.",
                id="campaign.W003",
            )
        )
    if settings.SITE.hostname not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        found.append(
            checks.Warning(
                "ALLOWED_HOSTS lacks the host of SITE_URL: links in emails will not work.",
                hint=f"Add {settings.SITE.hostname}.",
                id="campaign.W004",
            )
        )
    return found
