"""Pages of the list without what is their own: the rest is the same on many of them, and most of the work of a page."""

from collections.abc import Callable, Hashable
from secrets import token_hex

from campaign.runtime.expiring_cache import ExpiringCache

# A cached page is as old as that. With the second of the text cache it is less than the five of architecture, rule 8.
SECONDS = 3.0
MOST = 128  # frames in memory, of about 30 kB: letters, languages and kinds of pages
_SECRET = token_hex(6)  # nobody can type a hole into a form


def hole(name: str) -> str:
    """Returns what a template shows in the place of this value, which is then left open."""
    return f"{_SECRET}{name}-"


class Frame:
    """A rendered page with holes."""

    def __init__(self, html: str) -> None:
        start, *others = html.split(_SECRET)
        self._parts = [start]  # text and names of holes in turn
        for other in others:
            name, _end, text = other.partition("-")
            self._parts += [name, text]

    def filled(self, values: dict[str, str]) -> str:
        """Returns the page with these values, which are escaped already, in its holes."""
        parts = self._parts.copy()
        parts[1::2] = [values[name] for name in parts[1::2]]
        return "".join(parts)


_frames = ExpiringCache[Hashable, Frame](SECONDS, most=MOST)


def kept(shape: Hashable, render: Callable[[], Frame]) -> Frame:
    """Returns the frame of all pages of this shape; rendered, if it is older than `SECONDS`."""
    return _frames.get_or_load(shape, render)


def clear_cache() -> None:
    _frames.clear()
