"""Files for readers that are made at the first request: once each, however many ask at the same moment."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from campaign.runtime.expiring_cache import ExpiringCache
from signatures.delivery import pdf

log = logging.getLogger(__name__)

MAX_WAITING = 3  # threads of this process: one makes, two wait; all others get none at once
WAIT_SECONDS = 5.0  # for another thread to finish
RETRY_AFTER_SECONDS = 60.0  # after a failure
KEPT_SECONDS = 30 * 86_400.0  # then it counts as absent, and is deleted: words that were taken back go


class MadeOnce:
    """Files of one kind, in a folder of their own. The name of a file must tell all that decides its content."""

    kinds: ClassVar[list["MadeOnce"]] = []

    def __init__(self, kind: str, folder: Path) -> None:
        """`kind` is for the log: "a share image"."""
        self._kind, self.folder = kind, folder
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self.making = threading.Lock()
        self.failed = ExpiringCache[str, bool](RETRY_AFTER_SECONDS)  # by file name
        self.kinds.append(self)

    def get(self, name: str, make: Callable[[Path], object]) -> bytes | None:
        """Returns a file, which `make` writes if it is not there; None if there is none now, for whatever reason.

        `make` writes it complete or not at all, and raises PdfFailed or OSError.
        """
        file = self.folder / name
        with suppress(OSError):  # not there, or not readable: making it tells which
            if not _is_old(file):
                return file.read_bytes()
        if self.failed.get(name) or not self._places.acquire(blocking=False):
            return None
        try:
            return self._make(file, make)
        finally:
            self._places.release()

    def _make(self, file: Path, make: Callable[[Path], object]) -> bytes | None:
        if not self.making.acquire(timeout=WAIT_SECONDS):
            return None
        try:
            self.delete_old()
            if not file.exists():  # otherwise another thread made it while this one waited
                if self.failed.get(file.name):
                    return None
                self.folder.mkdir(parents=True, exist_ok=True)
                make(file)
            return file.read_bytes()
        except (pdf.PdfFailed, OSError) as error:
            self.failed.put(file.name, value=True)
            log.warning("%s was not made: %s", self._kind, type(error).__name__)
            return None
        finally:
            self.making.release()

    def delete_old(self) -> None:
        """Deletes what was made before `KEPT_SECONDS`."""
        for file in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # another process did
                if _is_old(file):
                    file.unlink()


def delete_old() -> None:
    """Deletes what is too old of every kind, where the disk lets it: a web process does so when it starts."""
    for kind in MadeOnce.kinds:
        with suppress(OSError):
            kind.delete_old()


def _is_old(file: Path) -> bool:
    return file.stat().st_mtime < time.time() - KEPT_SECONDS
