"""Sessions of staff: how long they last, what ends them, and whether a sign-in is fresh (threat model A4, A12)."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import User, update_last_login
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from signatures.audit import audit_log
from signatures.registries import AuditAction
from signatures.staff import kept_forms

IDLE_SECONDS = 30 * 60  # without a request
MAX_SECONDS = 12 * 60 * 60
FRESH_SECONDS = 10 * 60  # since password and second factor were given
LAST_SEEN_STEP = 60  # minimum seconds between two updates of the time of the last request

STARTED_KEY, LAST_SEEN_KEY, FRESH_KEY = "started", "last_seen", "fresh"
KEPT_KEY = "kept_forms"  # whether forms wait for the account: each page of admin asks the database only then


def is_admin_page(request: HttpRequest) -> bool:
    """Whether this request may touch the session. Public pages know no accounts."""
    return request.path_info.startswith(f"/{settings.ADMIN_PATH}")


class StaffSessionMiddleware:
    """Ends a session that is too old, was idle too long, or belongs to an account that was deactivated."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_admin_page(request) and SESSION_KEY in request.session:
            if _has_expired(request):
                logout(request)
            elif time.time() - request.session[LAST_SEEN_KEY] > LAST_SEEN_STEP:
                request.session[LAST_SEEN_KEY] = time.time()
        return self.get_response(request)


def _has_expired(request: HttpRequest) -> bool:
    """Sessions without timestamps count as expired, because they did not begin with a login."""
    now, session = time.time(), request.session
    return (
        not request.user.is_authenticated
        or now - session.get(STARTED_KEY, 0) > MAX_SECONDS
        or now - session.get(LAST_SEEN_KEY, 0) > IDLE_SECONDS
    )


def start(request: HttpRequest, user: User, **_signal: Any) -> None:
    """Set the timestamps of a new session, and whether forms wait. Called at login."""
    request.session[STARTED_KEY] = request.session[LAST_SEEN_KEY] = request.session[FRESH_KEY] = time.time()
    request.session[KEPT_KEY] = kept_forms.has_any(user.pk)


def record_login(person: User, *, by: str = "") -> None:
    """Record that somebody is signed in, with all that it takes. `by` is the word for the second factor, "" for none.

    The links for a new password in somebody's mailbox end with a login. So the password alone must not count as one:
    whoever stole it would spoil each of them (threat model A19).
    """
    update_last_login(type(person), person)
    audit_log.record(AuditAction.LOGIN, staff_id=person.pk, detail={"by": by} if by else {})


def mark_fresh(request: HttpRequest) -> None:
    """Record that password and second factor were given again. The session gets a new key, as at a login."""
    request.session.cycle_key()
    request.session[FRESH_KEY] = time.time()
    request.session[KEPT_KEY] = kept_forms.has_any(request.user.pk or 0)


def is_fresh(request: HttpRequest) -> bool:
    return bool(time.time() - request.session.get(FRESH_KEY, 0) <= FRESH_SECONDS)


def end_all(account_id: int, *, keep_session: str | None = None) -> int:
    """End all sessions of an account, except the one with this key. Returns the number of ended sessions.

    Reads every session, because the account is inside the encoded data. Staff are few.
    """
    rows = SessionStore.get_model_class().objects.filter(expire_date__gt=timezone.now()).exclude(pk=keep_session)
    keys = [row.pk for row in rows if row.get_decoded().get(SESSION_KEY) == str(account_id)]
    return int(rows.filter(pk__in=keys).delete()[0])
