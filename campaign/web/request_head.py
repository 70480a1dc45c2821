"""The head of a request: how long it may be, measured before anything parses it (threat model S36).

What parses a head runs in the thread that answers everybody. Some of it takes time in proportion to the length, some
to its square: Django looks at an address anew for each byte that is not UTF-8, and at a `Content-Type` for each
parameter. So each bound is the shortest that leaves room for what browsers, programs and proxies send.
"""

from typing import Any

from campaign.runtime.regular_expressions import IGNORECASE, linear

MAX_HEAD = 16 * 1024  # bytes: the address and all headers
MAX_HEADER = 8 * 1024  # bytes of one header: a cookie or a long address in `Referer`
MAX_HEADERS = 128  # a browser sends about 20, and each proxy adds some
MAX_PATH = 512  # bytes of the address without its query; the longest of the site has less than half of it
MAX_CONDITIONS = 1024  # bytes of all conditions: browsers send the one ETag that they keep
MAX_COOKIES = 500  # browsers keep about 180 of a site, also those that other pages of its domain have set
MAX_CONTENT_TYPE = 256  # bytes: that of a form has a boundary of at most 70
_CONDITIONS = frozenset({b"if-match", b"if-none-match"})
# A media type and its parameters, none of them in a charset of its own (RFC 2231). The site reads UTF-8 alone: for
# each other charset Python would look for a codec on the disk, and remember for ever that there is none.
_TYPE = rb"(?<![\w!#$&^.+-])[\w!#$&^.+-]++/[\w!#$&^.+-]++"
_VALUE = rb'(?:"[\x20\x21\x23-\x5b\x5d-\x7e]*+"|[\x21\x23-\x3a\x3c-\x5b\x5d-\x7e]*+)'
_PARAMETER = rb'(?:charset=(?:utf-?8|"utf-?8")|(?!charset=)[\w-]++=%b)' % _VALUE
_CONTENT_TYPE = linear(rb"%b(?:[ \t]*+;[ \t]*+%b)*+[ \t]*+;?[ \t]*+" % (_TYPE, _PARAMETER), IGNORECASE)


def is_too_long(scope: dict[str, Any]) -> bool:
    """Returns whether the head of this ASGI scope is longer than any browser makes it, or has more parts."""
    path, headers = scope.get("raw_path") or scope["path"].encode(), scope["headers"]
    if len(path) > MAX_PATH or len(headers) > MAX_HEADERS:
        return True
    total, conditions, cookies = len(path) + len(scope["query_string"]), 0, 0
    for name, value in headers:
        if len(value) > (MAX_CONTENT_TYPE if name == b"content-type" else MAX_HEADER):
            return True
        total += len(name) + len(value)
        conditions += len(value) if name in _CONDITIONS else 0
        cookies += value.count(b";") + 1 if name == b"cookie" else 0
    return total > MAX_HEAD or conditions > MAX_CONDITIONS or cookies > MAX_COOKIES


def has_strange_type(scope: dict[str, Any]) -> bool:
    """Returns whether the head says anything else than one media type, with parameters that Django can read."""
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    return len(types) > 1 or not all(_CONTENT_TYPE.fullmatch(value) for value in types if value)
