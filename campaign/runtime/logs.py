"""Log formatting and error reports without personal data (architecture, rule 6)."""

import contextlib
import ipaddress
import json
import logging
import sys
import sysconfig
import threading
import time
import traceback
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from campaign.runtime.regular_expressions import IGNORECASE, MULTILINE, Match, linear

MAX_EVENT = 500  # characters of a message that are logged
MAX_LINES_A_MINUTE = 10  # of one kind
MAX_FRAMES = 50  # of a traceback, innermost first

PERSONAL_LINK = linear(
    r"(/signature(?:/|%2f)|/password(?:/|%2f)[^/\s\"'?]+(?:/|%2f))[^/\s\"'?]+|\b[0-9a-f]{32}\.[\w-]{8,}", IGNORECASE
)
QUERY = linear(r"\?[^\s\"']*")
ADDRESS = linear(r"(?<![^\s<>\"'=(])(?>[^\s<>\"'=(]+(?:@|%40)(?=[^\s<>\"',;)]))[^\s<>\"',;)]+", IGNORECASE)
IP_6 = linear(r"(?<![\w:])(?>[0-9a-f]{0,4}:[0-9a-f:]*:)[0-9a-f:.]*", IGNORECASE)
IP_4 = linear(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
TRACEBACK = linear(r"^Traceback \(most recent call last\):\n(?P<frames>(?:[ ].*\n)+)(?P<error>[\w.]{1,200})", MULTILINE)
FRAME = linear(r'^  File "(.+)", line (\d+)', MULTILINE)
SOURCE_ROOTS = [Path(__file__).resolve().parents[2], *map(Path, {*map(sysconfig.get_path, ("purelib", "stdlib"))})]


def log_uncaught_exceptions() -> None:
    """Have what ends this process, or a thread of it, logged as all else: a traceback quotes values, on many lines."""

    def log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            _log_end("an error ends the process", exc_info=(kind, error, trace))

    def log_uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None:
            _log_end("an error ends a thread", exc_info=(failed.exc_type, failed.exc_value, failed.exc_traceback))

    sys.excepthook, threading.excepthook = log_uncaught, log_uncaught_in_thread


@contextlib.contextmanager
def logged_start() -> Iterator[None]:
    """Ends the process with a line in the log when the block fails. A wrong setting is named by its sentence."""
    try:
        yield
    except ImproperlyConfigured as error:
        _log_end("the web server cannot start: %s", error)
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001  whatever ends the start is logged
        _log_end("the web server cannot start", exc_info=error)
        raise SystemExit(1) from None


def _log_end(event: str, *values: object, exc_info: Any = None) -> None:
    if not logging.root.handlers:  # the settings, which configure the log, may be what fails
        handler = logging.StreamHandler()
        handler.setFormatter(RedactingFormatter())
        logging.root.addHandler(handler)
    logging.getLogger(__name__).critical(event, *values, exc_info=exc_info)


def handlers_of_loggers() -> set[tuple[logging.Logger, logging.Handler]]:
    """Returns the handlers of all loggers but the root one."""
    loggers = [entry for entry in logging.root.manager.loggerDict.values() if isinstance(entry, logging.Logger)]
    return {(logger, handler) for logger in loggers for handler in logger.handlers}


def remove_handlers_since(before: set[tuple[logging.Logger, logging.Handler]]) -> None:
    """Remove the handlers that packages added when they were imported: those do not redact (R5)."""
    for logger, handler in handlers_of_loggers() - before:
        logger.removeHandler(handler)


@dataclass
class _Lines:
    """What was logged of one kind: when the last lines were, in monotonic seconds, and how many were left out since."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_LINES_A_MINUTE))
    left_out: int = 0


class LimitingFilter(logging.Filter):
    """Lets so many lines of one kind pass in any minute (threat model O10): what fails all the time fills no disk.

    A kind is a line of the code, with type and place of the exception. The next line says how many were left out.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._kinds: defaultdict[tuple[object, ...], _Lines] = defaultdict(_Lines)

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        with self._lock:
            lines = self._kinds[_kind(record)]
            if len(lines.times) == MAX_LINES_A_MINUTE and now - lines.times[0] < 60:
                lines.left_out += 1
                return False
            lines.times.append(now)
            record.left_out, lines.left_out = lines.left_out, 0
        return True

    def clear(self) -> None:
        with self._lock:
            self._kinds.clear()


def _kind(record: logging.LogRecord) -> tuple[object, ...]:
    error, _value, trace = record.exc_info or (None, None, None)
    where = traceback_locations(trace)[:1]
    return record.name, record.levelno, record.pathname, record.lineno, error, *where


class RedactingFormatter(logging.Formatter):
    """Writes one JSON object per line, without personal links, email addresses and IP addresses (threat model R4, R5).

    JSON escapes control characters, so that user input cannot start a line of its own (R6). An exception is logged
    with its type and locations only: its message may quote what a signer typed. Extras of a record are left out.
    """

    def format(self, record: logging.LogRecord) -> str:
        message, exception = _split_traceback(_message(record))
        if record.exc_info and record.exc_info[0]:
            exception = {"error": record.exc_info[0].__name__, "where": traceback_locations(record.exc_info[2])}
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": redact(message),
            **exception,
        }
        if left_out := getattr(record, "left_out", 0):
            line["left_out"] = left_out  # lines of this kind, since the last one
        return json.dumps(line)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  whatever a foreign argument raises; `logging` would print all arguments
        return str(record.msg)


def _split_traceback(message: str) -> tuple[str, dict[str, Any]]:
    """Split off a traceback that the web server wrote into a log message, and reduce it to error type and locations."""
    found = TRACEBACK.search(message)
    if found is None:
        return message, {}
    frames = [f"{_relative(Path(file))}:{number}" for file, number in FRAME.findall(found["frames"])]
    return message[: found.start()].rstrip(), {"error": found["error"], "where": frames[: -MAX_FRAMES - 1 : -1]}


def redact(message: str) -> str:
    """Returns the message without personal links, query strings, email addresses and IP addresses.

    It is cut to `MAX_EVENT` characters first, so that what a stranger sends makes no log line long (S35).
    """
    message = PERSONAL_LINK.sub(lambda found: f"{found[1] or ''}[link]", _shorten(message))
    message = ADDRESS.sub("[address]", QUERY.sub(_redact_query, message))
    return IP_4.sub("[network]", IP_6.sub(_redact_ipv6, message))


def _shorten(message: str) -> str:
    """Returns the message, or its first words and its length. The word at the cut goes: it may be half an address."""
    if len(message) <= MAX_EVENT:
        return message
    return f"{message[:MAX_EVENT].rpartition(' ')[0]} [cut: {len(message)} characters]".lstrip()


def _redact_query(found: Match[str]) -> str:
    """Returns the replacement of a query string: a search term is often a name. A question mark alone is kept."""
    return "?[query]" if "=" in found[0] else found[0]


def _redact_ipv6(found: Match[str]) -> str:
    """Returns the replacement of an IPv6 address. Text that only looks like one, such as a time, is kept."""
    text = found[0].rstrip(".")
    for candidate in (text, text.removesuffix(":")):
        try:
            ipaddress.IPv6Address(candidate)
        except ValueError:
            continue
        return "[network]" + found[0][len(candidate) :]
    return found[0]


def traceback_locations(trace: TracebackType | None) -> list[str]:
    """Returns file and line of each frame, innermost first, with paths relative to the project or the package."""
    frames = reversed(traceback.extract_tb(trace, -MAX_FRAMES))
    return [f"{_relative(Path(frame.filename))}:{frame.lineno}" for frame in frames]


def _relative(file: Path) -> Path:
    # The deepest root wins, because packages may be installed inside the project.
    roots = [root for root in SOURCE_ROOTS if file.is_relative_to(root)]
    return file.relative_to(max(roots, key=lambda root: len(root.parts))) if roots else Path(file.name)


class RedactedExceptionReporter(ExceptionReporter):
    """Reports an exception by its type and locations, without any value (threat model R11).

    Django's own report shows the message of an exception, the path of a personal page, and settings such as
    EMAIL_HASH_PEPPER. It is used only with DEBUG, on a developer's machine.
    """

    def get_traceback_text(self) -> SafeString:
        return super().get_traceback_text() if settings.DEBUG else SafeString(self._report())

    def get_traceback_html(self) -> SafeString:
        return super().get_traceback_html() if settings.DEBUG else format_html("<pre>{}</pre>", self._report())

    def _report(self) -> str:
        return "\n".join([self.exc_type.__name__ if self.exc_type else "", *traceback_locations(self.tb)])
