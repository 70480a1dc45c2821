"""Browsers that have completed a login. Wrong codes from elsewhere do not count against them (threat model A19)."""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE = "known_browser"
MAX_AGE = 180 * 24 * 60 * 60  # seconds
SALT = "signatures.staff.known-browser"


def remember(response: HttpResponse, account_id: int) -> None:
    """Mark the browser that gets this response. The cookie signs nobody in."""
    response.set_signed_cookie(
        COOKIE,
        f"{account_id}:{secrets.token_hex(16)}",
        salt=SALT,
        max_age=MAX_AGE,
        path=f"/{settings.ADMIN_PATH}",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def browser_of(request: HttpRequest, account_id: int) -> str | None:
    """Returns the mark of a browser that this account has signed in with; None for any other."""
    owner, _, mark = _value(request).partition(":")
    return mark if owner == str(account_id) else None


def browser_of_staff(request: HttpRequest) -> str | None:
    """Returns the mark of a browser that some account has signed in with; None for any other. Asks no database."""
    return _value(request).partition(":")[2] or None


def _value(request: HttpRequest) -> str:
    return request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=MAX_AGE) or ""
