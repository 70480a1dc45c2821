"""Sessions of staff: how long they last, what ends them, and whether a sign-in is fresh (SECURITY.md A4, A12)."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

IDLE_SECONDS = 30 * 60  # seconds without a request
MAX_SECONDS = 12 * 60 * 60
FRESH_SECONDS = 10 * 60  # since password and second factor
LAST_SEEN_STEP = 60  # the time of the last request is written down no more often than this

STARTED_KEY, LAST_SEEN_KEY, FRESH_KEY = "began", "seen", "proved"


class StaffSessionMiddleware:
    """Ends a session of staff that is too old, was left alone, or belongs to an account that was closed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Elsewhere nobody is known, and public pages must not touch the session.
        if request.path_info.startswith(f"/{settings.ADMIN_PATH}") and SESSION_KEY in request.session:
            if _is_over(request):
                logout(request)
            elif time.time() - request.session[LAST_SEEN_KEY] > LAST_SEEN_STEP:
                request.session[LAST_SEEN_KEY] = time.time()
        return self.get_response(request)


def _is_over(request: HttpRequest) -> bool:
    """Also what has no times at all: it did not begin with a login."""
    now, session = time.time(), request.session
    return (
        not request.user.is_authenticated
        or now - session.get(STARTED_KEY, 0) > MAX_SECONDS
        or now - session.get(LAST_SEEN_KEY, 0) > IDLE_SECONDS
    )


def start(request: HttpRequest, **_signal: Any) -> None:
    """The times of a session, from its login on."""
    request.session[STARTED_KEY] = request.session[LAST_SEEN_KEY] = request.session[FRESH_KEY] = time.time()


def mark_fresh(request: HttpRequest) -> None:
    """Password and second factor were given once more; under a new key, as at a login."""
    request.session.cycle_key()
    request.session[FRESH_KEY] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    return bool(time.time() - request.session.get(FRESH_KEY, 0) <= FRESH_SECONDS)


def end_all(person: int, *, but: str | None = None) -> int:
    """End the sessions of this account, but for the one with this key; how many ended. Staff are few."""
    rows = SessionStore.get_model_class().objects.filter(expire_date__gt=timezone.now())
    theirs = [row.pk for row in rows if row.get_decoded().get(SESSION_KEY) == str(person) and row.pk != but]
    return int(rows.filter(pk__in=theirs).delete()[0])
