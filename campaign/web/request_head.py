"""The head of a request: how long it may be, measured before anything parses it (threat model S36).

What parses a header runs in the thread that answers everybody, and takes time in proportion to its length.
"""

from typing import Any

MAX_HEAD = 16 * 1024  # bytes: the address and all headers
MAX_HEADER = 8 * 1024  # bytes of one header: a cookie or a long address in `Referer`
MAX_CONDITIONS = 1024  # bytes of all conditions: browsers send the one ETag that they keep
_CONDITIONS = frozenset({b"if-match", b"if-none-match"})


def is_too_long(scope: dict[str, Any]) -> bool:
    """Returns whether the head of this ASGI scope is longer than any browser makes it."""
    total, conditions = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]), 0
    for name, value in scope["headers"]:
        if len(value) > MAX_HEADER:
            return True
        total += len(name) + len(value)
        conditions += len(value) if name in _CONDITIONS else 0
    return total > MAX_HEAD or conditions > MAX_CONDITIONS
