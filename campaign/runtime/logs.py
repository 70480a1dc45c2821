"""Log lines that name nobody: codes and ids stay, what a person typed goes (DESIGN.md, rule 6)."""

import ipaddress
import json
import logging
import re
import sysconfig
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

PERSONAL_LINK = re.compile(
    r"(/signature(?:/|%2f)|/password(?:/|%2f)[^/\s\"'?]+(?:/|%2f))[^/\s\"'?]+|\b[0-9a-f]{32}\.[\w-]{8,}", re.IGNORECASE
)
QUERY = re.compile(r"\?[^\s\"'=]*=[^\s\"']*")  # what a reader searches for is a name, too
ADDRESS = re.compile(r"[^\s<>\"'=(]+(?:@|%40)[^\s<>\"',;)]+", re.IGNORECASE)
IP_6 = re.compile(r"(?<![\w:])[0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f:.]*", re.IGNORECASE)
IP_4 = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
TRACEBACK = re.compile(r"\s*Traceback \(most recent call last\):\n(?P<frames>(?:[ ].*\n)+)(?P<error>[\w.]+)")
FRAME = re.compile(r'^  File "(.+)", line (\d+)', re.MULTILINE)
SOURCE_ROOTS = [Path(__file__).resolve().parents[2], *map(Path, {*map(sysconfig.get_path, ("purelib", "stdlib"))})]


class RedactingFormatter(logging.Formatter):
    """One JSON object a line: personal links and addresses, of mail and of networks, blanked (SECURITY.md R4, R5).

    JSON escapes what is no visible ASCII, so that nothing typed can begin a line of its own (R6). An exception is
    logged by its type and its places: its message may quote a signer's words. Of a record's arguments and extras only
    what stands in its sentence is taken.
    """

    def format(self, record: logging.LogRecord) -> str:
        sentence, exception = _apart(_sentence(record))
        if record.exc_info and record.exc_info[0]:
            exception = {"error": record.exc_info[0].__name__, "where": traceback_locations(record.exc_info[2])}
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": redact(sentence),
            **exception,
        }
        return json.dumps(line)


def _sentence(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return str(record.msg)


def _apart(sentence: str) -> tuple[str, dict[str, Any]]:
    """A sentence and the exception in it: the web server writes a whole traceback, message and all, into its own."""
    written = TRACEBACK.search(sentence)
    if written is None:
        return sentence, {}
    frames = [f"{_from_root(Path(file))}:{number}" for file, number in FRAME.findall(written["frames"])]
    return sentence[: written.start()], {"error": written["error"], "where": frames[::-1]}


def redact(sentence: str) -> str:
    """The sentence without links, queries and addresses."""
    sentence = PERSONAL_LINK.sub(lambda found: f"{found[1] or ''}[link]", sentence)
    sentence = ADDRESS.sub("[address]", QUERY.sub("?[query]", sentence))
    return IP_4.sub("[network]", IP_6.sub(_network, sentence))


def _network(found: re.Match[str]) -> str:
    """Nothing in place of an address; what only looks like one, such as a time of day, stays."""
    text = found[0].rstrip(".")
    for candidate in (text, text.removesuffix(":")):
        try:
            ipaddress.IPv6Address(candidate)
        except ValueError:
            continue
        return "[network]" + found[0][len(candidate) :]
    return found[0]


def traceback_locations(trace: TracebackType | None) -> list[str]:
    """Where an exception came through, the innermost place first; files are named from the project or the package."""
    return [f"{_from_root(Path(frame.filename))}:{frame.lineno}" for frame in reversed(traceback.extract_tb(trace))]


def _from_root(file: Path) -> Path:
    # The deepest root wins: packages may be installed inside the project.
    roots = [root for root in SOURCE_ROOTS if file.is_relative_to(root)]
    return file.relative_to(max(roots, key=lambda root: len(root.parts))) if roots else Path(file.name)


class RedactedExceptionReporter(ExceptionReporter):
    """Django's report of an exception as others may read it: its type and places, no value (SECURITY.md R11).

    Django's own blanks the variables below our views, but neither the message of an exception, nor the path of a
    personal page, nor settings such as EMAIL_HASH_PEPPER. Where DEBUG is on it stays: on a developer's machine alone.
    """

    def get_traceback_text(self) -> SafeString:
        return super().get_traceback_text() if settings.DEBUG else SafeString(self._told())

    def get_traceback_html(self) -> SafeString:
        return super().get_traceback_html() if settings.DEBUG else format_html("<pre>{}</pre>", self._told())

    def _told(self) -> str:
        return "\n".join([self.exc_type.__name__ if self.exc_type else "", *traceback_locations(self.tb)])
