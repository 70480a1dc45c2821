"""How the site's own requests arrive through its proxies: a question that it asks itself at SITE_URL.

Question and answer are signed with SECRET_KEY, and good for a minute. So strangers learn nothing of what is before the
site, and nobody else can answer.
"""

import http.client
import json
import secrets
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from campaign.web.client_network import client_network

PATH = "/arrival"
QUESTION, ANSWER = "arrival-question", "arrival-answer"  # salts
SECONDS = 60  # for which a question and its answer are good
TIMEOUT = 10  # seconds in which the answer must come


class Arrival(NamedTuple):
    """What the web server understood of a request.

    Attributes:
        scheme: by which the visitor came, in the eyes of the site.
        host: that the visitor asked for, with a port that is not the usual one.
        hops: that proxies wrote into `X-Forwarded-For`.
        network: whom the site takes the visitor for.
    """

    scheme: str
    host: str
    hops: int
    network: str


class Astray(Exception):
    """The question did not reach this site. The message is one sentence for the operator."""


def answer(request: HttpRequest) -> HttpResponse | None:
    """Returns the answer, or None to whoever cannot sign a question."""
    try:
        nonce = signing.loads(request.GET.get("question", ""), salt=QUESTION, max_age=SECONDS)
    except signing.BadSignature:
        return None
    hops = [hop for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    arrival = Arrival(request.scheme or "", request.META.get("HTTP_HOST", ""), len(hops), client_network(request))
    return HttpResponse(signing.dumps([nonce, *arrival], salt=ANSWER), content_type="text/plain")


def ask(headers: Mapping[str, str] | None = None) -> Arrival:
    """Returns how a request to SITE_URL arrives that has these headers.

    Raises:
        Astray: if it does not arrive.
    """
    nonce = secrets.token_hex(16)
    path = f"{PATH}?question={quote(signing.dumps(nonce, salt=QUESTION))}"
    try:
        status, location, body = _get(path, headers or {})
    except (OSError, http.client.HTTPException) as error:
        raise Astray(f"SITE_URL does not answer: {str(error) or type(error).__name__}.") from None
    if location:
        raise Astray(f"SITE_URL leads elsewhere, to {location.partition('?')[0]}.")
    try:
        answered, *arrival = signing.loads(body, salt=ANSWER, max_age=SECONDS)
    except signing.BadSignature:
        raise Astray(f"What answers at SITE_URL (with {status}) is not this site with this SECRET_KEY.") from None
    if answered != nonce:
        raise Astray("What answers at SITE_URL repeats an old answer.")
    return Arrival(*arrival)


def unready(path: str) -> list[str]:
    """Returns which checks fail in the web server that answers at SITE_URL: nothing where a proxy keeps that to itself.

    Args:
        path: of the health check.
    """
    try:
        checks = json.loads(_get(path, {})[2])
        return [name for name, passes in checks.items() if name != "ready" and passes is False]
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return []


def _get(path: str, headers: Mapping[str, str]) -> tuple[int, str, str]:
    """Returns status, target of a redirect, and body. Follows no redirect, and uses no proxy of this machine."""
    kind = http.client.HTTPSConnection if settings.SITE.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(settings.SITE.hostname), settings.SITE.port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.getheader("Location", ""), response.read(4096).decode("ascii", "replace")
    finally:
        connection.close()
