"""What one honest reader and signer sees of a site: pages and sign-ups, and how long each took."""

import itertools
import re
import time
import urllib.error
import urllib.request
from functools import cache
from urllib.parse import urlencode

TIMEOUT_SECONDS = 30.0
_numbers = itertools.count()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def time_of(url: str, body: dict[str, str] | None = None) -> float:
    """Returns the seconds until the whole answer was there; infinity if it was no success."""
    begun = time.monotonic()
    try:
        with _opener.open(url, urlencode(body).encode() if body else None, timeout=TIMEOUT_SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 303:
                return float("inf")
    except OSError:
        return float("inf")
    return time.monotonic() - begun


@cache
def _hidden_fields(letter: str) -> dict[str, str]:
    with urllib.request.urlopen(letter, timeout=TIMEOUT_SECONDS) as answer:
        page = answer.read().decode()
    found = (re.search(f'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page) for name in ("text", "stamp"))
    return {name: match[1] for name, match in zip(("text", "stamp"), found, strict=True) if match}


def filled_in_form(letter: str, name: str, email: str) -> dict[str, str]:
    """Returns the form beside the letter at this URL, as somebody with a browser would send it."""
    form = {"kind": "person", "name": name, "visibility": "public", "consent": "on", "seconds": "40"}
    return {**form, "email": email, "website": "", **_hidden_fields(letter)}


def sign_up(letter: str, number: int | None = None) -> float:
    """Signs as somebody new, or as the one of this number. Returns the seconds that it took; infinity if it failed."""
    number = next(_numbers) if number is None else number
    return time_of(f"{letter}sign/", filled_in_form(letter, f"Signer {number}", f"signer{number}@example.org"))
