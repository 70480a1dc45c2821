"""A folder that is complete at any time: a new version is written beside it, and takes its place when it is done."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARKER = "copied-on.txt"  # a folder without this file is not a mirror, and never deleted


class ForeignFolder(Exception):
    """The folder holds something that is not a mirror."""


@contextmanager
def replaced_folder(folder: Path, marker_text: str) -> Iterator[Path]:
    """In a `with` block, everything is written to DIR.new. At its end DIR.new replaces DIR, which is deleted."""
    final = folder.resolve()
    if not final.name:
        raise ForeignFolder(final)  # the root of the file system
    new, old = final.with_name(f"{final.name}.new"), final.with_name(f"{final.name}.old")
    for each in (final, new, old):
        if not _is_replaceable(each):
            raise ForeignFolder(each)
    if old.exists() and not final.exists():  # an earlier run broke off in the middle of `_swap`
        old.rename(final)
    for leftover in (new, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    new.mkdir(parents=True)
    (new / MARKER).write_bytes(marker_text.encode())
    try:
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    _swap(new, final, old)


def _swap(new: Path, final: Path, old: Path) -> None:
    if final.exists():
        final.rename(old)
    try:
        new.rename(final)
    except OSError:
        if old.exists():
            old.rename(final)
        raise
    if old.exists():
        shutil.rmtree(old)


def _is_replaceable(folder: Path) -> bool:
    """Returns whether the folder does not exist, is empty, or is an earlier mirror."""
    return not folder.exists() or (folder.is_dir() and ((folder / MARKER).is_file() or not any(folder.iterdir())))
