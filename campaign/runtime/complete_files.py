"""Files that are complete at any time, whoever else writes the same one.

Each is written beside its place, under a name that no other process has, and takes the place in one step. With one name
for all, a process would put a half of another's file in the place, or find its own gone.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".part"
KEPT_SECONDS = 86_400  # after which a draft is one that a kill left


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yields a draft that takes the place of `path` at the end of the block, or not at all if the block fails.

    Raises:
        OSError: the folder or the disk cannot be written.
    """
    _delete_leftovers(path)
    with _draft_of(path) as draft:
        yield draft
        _flush(draft)
        draft.replace(path)
        _flush(path.parent)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yields a draft that gets the name `path` at the end of the block, if there is no such file by then.

    Raises:
        FileExistsError: there is one. It stays as it is.
        OSError: the folder or the disk cannot be written.
    """
    with _draft_of(path) as draft:
        yield draft
        _flush(draft)
        os.link(draft, path)
        _flush(path.parent)


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """Yields an empty file beside `path`, of mode 600, which is deleted at the end of the block."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=SUFFIX)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Waits until this is on the disk: a machine that loses its power would keep the name of an empty file, or none."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _delete_leftovers(path: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for each in os.scandir(path.parent):
        if each.name.startswith(_prefix(path)) and each.name.endswith(SUFFIX):
            with suppress(FileNotFoundError):  # another process has finished
                if each.stat().st_mtime < oldest:
                    Path(each.path).unlink()
