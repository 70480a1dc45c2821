"""Requests of the drills. A request without an answer has the status 0."""

import http.client
from urllib.parse import urlencode, urlsplit

TIMEOUT_SECONDS = 30.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(url: str, form: dict[str, str], network: str = "127.0.0.1", **headers: str) -> int:
    """Sends a form from an address of this machine. Returns the status."""
    return status_of("POST", url, urlencode(form), network, FORM | headers)


def fetch(url: str, method: str = "GET", **headers: str) -> int:
    """Returns the status of a page."""
    return status_of(method, url, None, "127.0.0.1", headers)


def status_of(method: str, url: str, body: str | None, network: str, headers: dict[str, str]) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS, source_address=(network, 0))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        connection.request(method, path, body, {"Connection": "close", **named})
        with connection.getresponse() as answer:
            answer.read()
            return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
