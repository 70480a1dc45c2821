"""Django's cache: the one of CACHE_URL, which all machines share, or the memory of this process while that is away.

Nothing that must be right hangs on it (threat model O18): it spares queries, and holds no value for more than minutes.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

log = logging.getLogger(__name__)

SHARED, MEMORY = "shared", "memory"  # names in CACHES
TIMEOUT_SECONDS = 0.5  # in which Redis must accept a connection, and answer
PAUSE_SECONDS = 3.0  # between two tries while it is away


def failures() -> tuple[type[Exception], ...]:
    """Returns the exceptions of a cache that fails, or gives back what this site did not put there."""
    from redis.exceptions import RedisError  # noqa: PLC0415  slows every start down, and few sites use Redis

    return (RedisError, ValueError)


class _Presence:
    """Whether the shared cache is there, for all threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_away = False
        self._try_at = 0.0  # monotonic seconds

    def may_be_asked(self) -> bool:
        """Returns whether to ask it. While it is away, one thread tries now and then, and no other waits for it."""
        with self._lock:
            is_due = not self._is_away or time.monotonic() >= self._try_at
            self._try_at = time.monotonic() + PAUSE_SECONDS if is_due else self._try_at
        return is_due

    def note(self, *, is_away: bool) -> None:
        with self._lock:
            has_changed, self._is_away = self._is_away != is_away, is_away
        if has_changed:
            log.error("the shared cache %s", "does not answer" if is_away else "answers again")
            caches[MEMORY].clear()  # what is there is of the last time that it was away


_presence = _Presence()


def _either(name: str) -> Callable[..., Any]:
    """Returns the method of this name: that of the shared cache, or of the memory while it is away."""

    def call(self: BaseCache, *arguments: Any, **more: Any) -> Any:
        if _presence.may_be_asked():
            try:
                value = getattr(caches[SHARED], name)(*arguments, **more)
            except failures():
                _presence.note(is_away=True)
            else:
                _presence.note(is_away=False)
                return value
        return getattr(caches[MEMORY], name)(*arguments, **more)

    return call


class SharedCache(BaseCache):
    """The cache `default`. Its other methods are made of these."""

    def __init__(self, _location: str, parameters: dict[str, Any]) -> None:
        super().__init__(parameters)

    add, get, set, touch, delete, clear = map(_either, ("add", "get", "set", "touch", "delete", "clear"))


def keeps() -> bool:
    """Returns whether the shared cache gives back what it was given."""
    number = uuid.uuid4().hex
    try:
        caches[SHARED].set("readyz", number, 60)
        return bool(caches[SHARED].get("readyz") == number)
    except failures() as error:
        log.warning("the shared cache fails with %s", type(error).__name__)
        return False
