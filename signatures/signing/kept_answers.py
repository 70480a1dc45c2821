"""Answers to a form that a browser without script can come back to: each has an address of its own, for some minutes.

The answer to a form stands in the history of a browser together with what was sent. Back shows a page of the browser
that asks whether to send it again, which the next person at the computer can do, too. Script takes it out of the
history (`page.js`). Without script the browser is led to an address from which it gets the same answer. What was typed
waits sealed under a key that this address alone holds, until the form is sent or the time is over (threat model P15).

The places for such answers are shared by networks: where there is none left, an answer gets one of the network that has
most, unless that is its own. So one network takes no place from others, whatever it sends.
"""

import hashlib
import secrets
import string
import zlib
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, QuerySet, Window
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from nacl.secret import Aead

from campaign.web.client_network import client_network, wide_network_of
from campaign.web.query_parameters import query_parameters
from signatures.models import KeptForm
from signatures.screening import rate_limits
from signatures.values import sealing

KEPT_FOR = timedelta(minutes=15)
NOBODY = 0  # `staff_id` of an answer
MOST = 1_000  # answers that wait at once, of all networks
MOST_BYTES = 256 * 1024  # of one; the page with the longest honest words has a quarter of it
FIELD, PARAMETER = "no_script", "answer"  # of the form, by browsers without script alone; of the address
_LENGTH, _SIGNS = 43, frozenset(string.ascii_letters + string.digits + "-_")  # of a token

type View = Callable[..., HttpResponse]


def keeps_answer(view: View) -> View:
    """Lead a browser without script to a kept copy of each answer that shows what was typed (422)."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            asked = request.GET.get(PARAMETER, "")
            return _show(request, asked) if asked else view(request, *args, **kwargs)
        sent = request.POST.get(FIELD, "") if _is_navigation(request) else ""
        if not sent:
            return view(request, *args, **kwargs)
        token = sent if len(sent) == _LENGTH and _SIGNS.issuperset(sent) else secrets.token_urlsafe(32)
        request.answer_token = token  # type: ignore[attr-defined]  # for `signing/no_script.html`
        response = view(request, *args, **kwargs)
        if response.status_code == 422 and _keep(token, response.content, client_network(request)):
            return _see(f"{request.path}?{PARAMETER}={token}")
        if sent == token and response.status_code < 400:
            _answers().filter(page_digest=_digest(token)).delete()
        return response

    return query_parameters(PARAMETER)(answer)


def _is_navigation(request: HttpRequest) -> bool:
    """Whether a browser sent the form, which has a history. A program that sends what it found in the page has none."""
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def _show(request: HttpRequest, token: str) -> HttpResponse:
    """The kept answer, or the page without it: the form was sent, or nobody came back in time."""
    rows = _waiting().filter(page_digest=_digest(token))
    sealed = rows.values_list("sealed", flat=True).first()
    if sealed is None:
        return _see(request.path)
    return HttpResponse(zlib.decompress(_box(token).decrypt(bytes(sealed), _digest(token))), status=422)


def _keep(token: str, page: bytes, network: str) -> bool:
    """Keep a page under this token. Returns False if it is long, has no place, or the database takes nothing."""
    if len(page) > MOST_BYTES:
        return False
    now, digest = timezone.now(), _digest(token)
    sealed = bytes(_box(token).encrypt(zlib.compress(page), digest))
    values = {"sealed": sealed, "expires_at": now + KEPT_FOR}
    try:
        if _answers().filter(page_digest=digest).update(**values):
            return True
        # As networks are counted everywhere: under a key of the day that is destroyed.
        shared = rate_limits.network_digest(wide_network_of(network) or network, now)
        if _waiting()[:MOST].count() >= MOST and not _make_room(shared):
            return False
        KeptForm.objects.update_or_create(staff_id=NOBODY, page_digest=digest, defaults=values | {"network": shared})
    except DatabaseError:
        return False
    return True


def _make_room(network: str) -> bool:
    """Delete the oldest answer of the network that has most. Returns False if it would not have more than this one."""
    most = _waiting().filter(network=network).count() + 1
    rows = _waiting().annotate(of_network=Window(Count("pk"), partition_by="network")).filter(of_network__gt=most)
    oldest = rows.order_by("-of_network", "expires_at").values_list("pk", flat=True).first()
    return oldest is not None and bool(KeptForm.objects.filter(pk=oldest).delete()[0])


def _answers() -> QuerySet[KeptForm]:
    return KeptForm.objects.filter(staff_id=NOBODY)


def _waiting() -> QuerySet[KeptForm]:
    return _answers().filter(expires_at__gt=timezone.now())


def _see(address: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": address})


def _digest(token: str) -> bytes:
    """Returns what the database knows an answer by. It does not tell the key."""
    return hashlib.blake2b(token.encode(), digest_size=32, key=_key(b"kept answer id")).digest()


def _box(token: str) -> Aead:
    return Aead(hashlib.blake2b(token.encode(), digest_size=32, key=_key(b"kept answer text")).digest())


def _key(purpose: bytes) -> bytes:
    return sealing.derived_key(purpose, secret=settings.SECRET_KEY)
