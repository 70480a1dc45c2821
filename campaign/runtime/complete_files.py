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
def draft_of(path: Path) -> Iterator[Path]:
    """Yields an empty file beside `path`, of mode 600, which is deleted at the end of the block.

    Raises:
        OSError: the folder cannot be written.
    """
    _delete_leftovers(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=SUFFIX)
    os.close(handle)
    draft = Path(name)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """Yields a draft that takes the place of `path` at the end of the block, or not at all if the block fails.

    Raises:
        OSError: the folder or the disk cannot be written.
    """
    with draft_of(path) as draft:
        yield draft
        with draft.open("rb") as written:
            os.fsync(written.fileno())  # or a machine that loses its power keeps the new name of an empty file
        draft.replace(path)


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _delete_leftovers(path: Path) -> None:
    oldest = time.time() - KEPT_SECONDS
    for each in os.scandir(path.parent):
        if each.name.startswith(_prefix(path)) and each.name.endswith(SUFFIX):
            with suppress(FileNotFoundError):  # another process has finished
                if each.stat().st_mtime < oldest:
                    Path(each.path).unlink()
