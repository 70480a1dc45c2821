"""Checks of the settings for operators: `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def deployment(**_options: Any) -> list[checks.CheckMessage]:
    """Returns warnings about settings that are fine on one's own machine, but not on a public site."""
    host = settings.SITE.hostname
    warnings = {
        "The site is in local mode: for this machine alone.": (
            settings.LOCAL_MODE,
            "Remove LOCAL, and give all settings of a public site.",
        ),
        "Emails are written to files: nobody will receive their link.": (not settings.EMAIL_URL, "Set EMAIL_URL."),
        "The embedded PostgreSQL is in use: back up VAR_DIR.": (
            not settings.DATABASE_URL,
            "Or set DATABASE_URL to a server that is backed up.",
        ),
        "ALLOWED_HOSTS lacks the host of SITE_URL: links in emails will not work.": (
            not {host, "*"} & set(settings.ALLOWED_HOSTS),
            f"Add {host}.",
        ),
    }
    return [
        checks.Warning(message, hint=hint, id=f"campaign.W{number:03}")
        for number, (message, (is_wrong, hint)) in enumerate(warnings.items(), start=1)
        if is_wrong
    ]
