"""No text that a stranger sends makes a pattern slow (threat model S35)."""

import importlib
import itertools
import json
import logging
import pkgutil
import re
import re._constants as codes  # type: ignore[import-not-found]  # private, as patterns have no other
import re._parser as parser  # type: ignore[import-not-found]  # the same
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpResponse

import campaign
import signatures
from campaign.runtime.logs import MAX_FRAMES, RedactingFormatter, redact
from campaign.runtime.regular_expressions import PATTERNS, Pattern, shell_patterns
from campaign.web import request_head, wsgi_calls
from campaign.web.client_network import client_network
from campaign.web.middleware import answer_from_memory, page_cache
from campaign.web.page_cache import CachedPage, choose_encoding
from signatures.delivery.forms import ProofForm
from signatures.models import Delivery
from signatures.public_list.forms import ListForm
from signatures.staff import second_factor
from signatures.values import email_addresses, form_stamps, names, tokens
from tests.processor_time import exceeds

LONG = 100_000  # characters
LIMIT = 0.010  # seconds
PATTERN_LIMIT = 0.050  # seconds for a pattern that is given the long text whole: a quadratic one takes more than ten
TINY = 5_000  # characters: a quadratic pattern takes longer for them than `LIMIT`
COMMON = [
    "a",
    "@",
    "a@",
    " ",
    "a.",
    "a\u0301",
    "\u0301",
    "1",
    "1.",
    ":",
    "é",
    "漢",
    "\n",
    "-",
    "<",
    "?",
    ",",
    '"',
    "\ud800",
]


def modules(package: ModuleType) -> Iterator[str]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" not in found.name:
            yield found.name


for name in (*modules(campaign), *modules(signatures)):
    importlib.import_module(name)
UNIQUE: dict[str, Pattern[Any]] = {repr(pattern): pattern for pattern in PATTERNS}


def literals(parsed: Any) -> Iterator[str]:
    """The words that a pattern names, and one character of each set: what hostile text for it is made of."""
    word = ""
    for code, argument in parsed:
        if code is codes.LITERAL:
            word += chr(argument)
            continue
        yield word
        word = ""
        for part in argument if isinstance(argument, (list, tuple)) else [argument]:
            if isinstance(part, parser.SubPattern):
                yield from literals(part)
            elif isinstance(part, list):
                for each in part:
                    yield from literals(each if isinstance(each, parser.SubPattern) else [each])
            elif isinstance(part, tuple) and part[0] is codes.LITERAL:
                yield chr(part[1])
            elif isinstance(part, tuple) and part[0] is codes.RANGE:
                yield chr(part[1][0])
    yield word


def hostile(pattern: Pattern[Any], length: int) -> Iterator[str]:
    """Text that repeats what the pattern looks for, alone and in pairs, with and without a beginning and an end."""
    words = sorted({*filter(None, literals(parser.parse(pattern.pattern, pattern.flags))), *COMMON})
    for first, second in itertools.product(words, words):
        yield first + (second * length)[: length - len(first)]
        yield ((first + second) * length)[: length - 1] + "\n"


def as_text_of(pattern: Pattern[Any], text: str) -> Any:
    return text.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, bytes) else text


def find_all(pattern: Pattern[Any], text: Any) -> Callable[[], object]:
    return lambda: (pattern.fullmatch(text), sum(1 for _found in pattern.finditer(text)))


def slow_text(pattern: Pattern[Any]) -> str | None:
    """The beginning of a text for which this pattern takes more than time in proportion to its length."""
    for text in hostile(pattern, TINY):
        if exceeds(find_all(pattern, as_text_of(pattern, text)), LIMIT):
            return text[:60]
    for text in [(word * LONG)[:LONG] for word in COMMON]:
        for find in (pattern.search, pattern.fullmatch):
            if exceeds(partial(find, as_text_of(pattern, text)), PATTERN_LIMIT):
                return text[:60]
    return None


@pytest.mark.parametrize("pattern", UNIQUE.values(), ids=map(ascii, UNIQUE))
def test_S35_no_text_makes_a_pattern_slow(pattern: Pattern[Any]) -> None:
    assert slow_text(pattern) is None


def test_S35_shell_patterns_of_a_blocklist_are_never_slow() -> None:
    pattern = shell_patterns(["*a*a*a*a*b", "*.*.*.*.example", "mail??.*", "*1@*"])
    assert pattern is not None and pattern.match("mail12.example")
    assert slow_text(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        r"\?[^\s\"'=]*=[^\s\"']*",
        r"[^\s<>\"'=(]+(?:@|%40)[^\s<>\"',;)]+",
        r"\s*Traceback \(most recent call last\):\n",
        r"\S@\S+\.\S",
        r"\s*<script\b.*?</script>",
        r"</?\w+[^>]*>",
    ],
)
def test_S35_the_control_a_slow_pattern_is_found(pattern: str) -> None:
    assert slow_text(re.compile(pattern, re.DOTALL)) is not None


def logged(text: str) -> str:
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "GET %s", (text,), None)
    return RedactingFormatter().format(record)


def refused(clean: Callable[[str], object]) -> Callable[[str], object]:
    def work(text: str) -> object:
        try:
            return clean(text)
        except (ValueError, tokens.InvalidToken):
            return None

    return work


HEADERS = "If-None-Match", "If-Match", "Host", "X-Forwarded-For", "User-Agent"


def header(name: bytes) -> Callable[[str], object]:
    """A header of a request for a page in memory: whole, and the longest beginning of it that is not refused."""
    longest = request_head.MAX_CONDITIONS if name.startswith(b"if-") else request_head.MAX_HEADER

    host = [(b"host", b"testserver")] if name != b"host" else []

    def work(text: str) -> object:
        kept = CachedPage.from_response(HttpResponse("kept"), time.monotonic())
        page_cache.put(("http", "/kept"), kept)
        for sent in (text, text[: longest // 4]):
            scope = {
                "type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "path": "/kept",
                "query_string": b"", "headers": [*host, (name, sent.encode("utf-8", "surrogatepass"))],
            }  # fmt: skip
            if not request_head.is_too_long(scope):
                request = wsgi_calls.request_of(wsgi_calls.environ_of(scope))
                answer_from_memory(request)
                client_network(request)
        return None

    return work


ENTRANCES: dict[str, Callable[[str], object]] = {
    "log line": logged,
    "redact": redact,
    "name": refused(names.clean_name),
    "line": refused(names.clean_line),
    "comment": refused(lambda text: names.clean_text(text, longest=500)),
    "email address": refused(email_addresses.validate),
    "search": lambda text: ListForm({"q": text, "country": text, "order": text}).is_valid(),
    "digest or receipt": lambda text: ProofForm({"proof": text}, delivery=Delivery()).is_valid(),
    "Accept-Encoding": choose_encoding,
    **{name: header(name.lower().encode()) for name in HEADERS},
    "stamp of a form": form_stamps.is_fresh,
    "personal link": refused(tokens.read_personal_token),
    "code of the second factor": second_factor._normalized,
}


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("word", COMMON, ids=ascii)
def test_S35_text_of_100_000_characters_is_dealt_with_in_ten_milliseconds(entrance: str, word: str) -> None:
    text = (word * LONG)[:LONG]
    assert not exceeds(lambda: ENTRANCES[entrance](text), LIMIT)


def test_S35_a_log_line_has_a_bounded_length() -> None:
    for word in (*COMMON, "\U0001f600", "\U0001f600 "):
        assert len(logged((word * LONG)[:LONG])) < 6_300, "six thousand for characters that JSON escapes in twelve each"


def test_S35_a_long_line_says_how_long_it_was_and_keeps_no_half_address() -> None:
    line = redact("GET " + "x" * 480 + " ada.lovelace.of.london@example.org " + "y" * 500)
    assert line == "GET " + "x" * 480 + " [cut: 1020 characters]"


def test_S35_a_traceback_without_end_is_logged_by_its_innermost_frames() -> None:
    frames = "".join(f'  File "/srv/{number}.py", line {number}, in f\n' for number in range(10_000))
    line = json.loads(logged(f"failed\nTraceback (most recent call last):\n{frames}ValueError: Ada"))
    assert line["event"] == "GET failed" and line["error"] == "ValueError"
    assert line["where"] == [f"{number}.py:{number}" for number in range(9_999, 9_999 - MAX_FRAMES, -1)]
