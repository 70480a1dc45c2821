"""Values that one process keeps for some seconds."""

import time
from collections.abc import Callable, Hashable


class ExpiringCache[K: Hashable, V]:
    """A mapping whose values expire. Each process has its own.

    One thread loads a value that has just expired, and the others go on with it meanwhile: under load, eight of them
    would do the same work at once. So a value can be twice its lifetime old. Where it expired longer ago than that,
    each thread loads it; none waits for another. An expired value stays in memory and can be had by `last`, so the keys
    must not be such that a stranger can make up any number of them, or there must be a limit.

    Args:
        seconds: the lifetime of a value, unless `put` or `get_or_load` give another.
        most: values in memory; the one that was loaded first makes room. None: no limit.
    """

    def __init__(self, seconds: float, *, most: int | None = None) -> None:
        self._seconds, self._most = seconds, most
        self._entries: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V | None:
        """Returns the value; None when there is none, or it has expired."""
        expires, value = self._entries.get(key, (0.0, None))
        return value if time.monotonic() < expires else None

    def last(self, key: K) -> V | None:
        """Returns the value, even if it has expired."""
        return self._entries[key][1] if key in self._entries else None

    def get_or_load(self, key: K, load: Callable[[], V], *, lifetime: Callable[[V], float] | None = None) -> V:
        """Returns the value, loaded first where it is missing or has expired.

        What `load` raises passes through, and the expired value stays.

        Args:
            key: the key of the value.
            load: returns a new value.
            lifetime: returns the lifetime of a loaded value in seconds, where that depends on the value.
        """
        now = time.monotonic()
        entry = self._entries.get(key)
        if entry and now < entry[0]:
            return entry[1]
        shared = entry and (entry[0] + self._seconds, entry[1])
        if shared and now < shared[0]:
            self._entries[key] = shared
        try:
            value = load()
        except BaseException:
            if entry and self._entries.get(key) is shared:
                self._entries[key] = entry
            raise
        self._store(key, now + (lifetime(value) if lifetime else self._seconds), value)
        return value

    def put(self, key: K, value: V) -> None:
        self._store(key, time.monotonic() + self._seconds, value)

    def _store(self, key: K, expires: float, value: V) -> None:
        if self._most is None:
            self._entries[key] = expires, value
            return
        self._entries.pop(key, None)  # it goes to the end
        self._entries[key] = expires, value
        for former in list(self._entries)[: -self._most]:
            self._entries.pop(former, None)

    def discard(self, key: K) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()
