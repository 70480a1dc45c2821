"""Writes pages of names in as many processes as there are processors. A few pages are written in this process."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Self

from signatures.static_mirror.frames import Frame, PageOfNames, Written, write_pages

BATCH = 160  # pages that a process writes at once
FEW = 4 * BATCH  # pages that are written sooner than other processes are started
AHEAD = 4  # batches for each process that wait in memory

type Batch = list[tuple[Frame, PageOfNames]]


class Writers:
    """Takes pages in a `with` block. At its end all are written.

    Args:
        new: the folder.
        former: the mirror that it is to replace.
        on_written: is called with what became of each page.
    """

    def __init__(self, new: Path, former: Path, on_written: Callable[[Written], None]) -> None:
        self._folders, self._on_written = (new, former), on_written
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: Batch = []
        self._running: deque[Future[list[Written]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            if self._pool:
                self._pool.shutdown(cancel_futures=True)

    def add(self, frame: Frame, names: PageOfNames) -> None:
        """Takes a page.

        Raises:
            OSError: one that was taken before cannot be written.
        """
        self._waiting.append((frame, names))
        if len(self._waiting) >= (BATCH if self._pool else FEW):
            self._pool = self._pool or _start()
            self._submit(self._pool)

    def _submit(self, pool: ProcessPoolExecutor) -> None:
        for start in range(0, len(self._waiting), BATCH):
            self._running.append(pool.submit(write_pages, self._waiting[start : start + BATCH], *self._folders))
        self._waiting = []
        while len(self._running) > AHEAD * _processes():
            self._note(self._running.popleft().result())

    def _finish(self) -> None:
        if self._pool is None:
            self._note(write_pages(self._waiting, *self._folders))
            return
        self._submit(self._pool)
        while self._running:
            self._note(self._running.popleft().result())

    def _note(self, pages: Iterable[Written]) -> None:
        for page in pages:
            self._on_written(page)


def _start() -> ProcessPoolExecutor:
    # Not by `fork`: a copy of this process would share its connection to the database.
    return ProcessPoolExecutor(_processes(), mp_context=get_context("spawn"), initializer=_prepare)


def _processes() -> int:
    return os.process_cpu_count() or 1


def _prepare() -> None:
    """Makes this process end with the one that started it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)
