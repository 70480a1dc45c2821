"""A folder that is complete at any time: a new version is written beside it, and takes its place in one step."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOSYS, ENOTSUP
from hashlib import sha256
from pathlib import Path

MARKER = "copied-on.txt"  # a folder without this file is not a mirror, and never deleted
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux


class ForeignFolder(Exception):
    """The folder holds something that is not a mirror."""


@contextmanager
def replaced_folder(folder: Path, marker_text: str) -> Iterator[tuple[Path, Path]]:
    """In a `with` block, everything is written to DIR.new. At its end DIR.new replaces DIR, which is deleted.

    Yields DIR.new, and DIR itself, which may not be there: files that stay as they are can be linked from it.
    """
    final = folder.resolve()
    if not final.name:
        raise ForeignFolder(final)  # the root of the file system
    new, old = final.with_name(f"{final.name}.new"), final.with_name(f"{final.name}.old")
    for each in (final, new, old):
        if not _is_replaceable(each):
            raise ForeignFolder(each)
    if old.exists() and not final.exists():  # an earlier run broke off between the two steps of `_swap`
        old.rename(final)
    for leftover in (new, old):
        if leftover.exists():
            _delete(leftover)
    new.mkdir(parents=True)
    (new / MARKER).write_bytes(marker_text.encode())
    try:
        yield new, final
    except BaseException:
        with suppress(OSError):
            _delete(new)
        raise
    _swap(new, final, old)


def place(content: bytes, file: str, new: Path, former: Path) -> bool:
    """Writes a file of the new folder, or links that of the former one if it is the same. Returns whether it differs.

    A linked file keeps its time, so that a program that copies the folder elsewhere knows that it did not change.
    """
    if _read(f"{former}/{file}") == content and _link(f"{former}/{file}", f"{new}/{file}"):
        return False
    (new / file).parent.mkdir(parents=True, exist_ok=True)
    (new / file).write_bytes(content)
    return True


def keep(file: str, digest: str, new: Path, former: Path) -> bool:
    """Links a file of the former folder into the new one, if it has this digest. Returns whether it has."""
    content = _read(f"{former}/{file}")
    if content is None or sha256(content).hexdigest() != digest:
        return False
    if not _link(f"{former}/{file}", f"{new}/{file}"):
        place(content, file, new, former)
    return True


# Paths are strings here: `Path` would take more time than the file system, for tens of thousands of pages.
def _read(file: str) -> bytes | None:
    try:
        with open(file, "rb", buffering=0) as opened:  # noqa: PTH123  see above
            return opened.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _link(there: str, here: str) -> bool:
    """Returns whether both are one file now: not every file system can do that."""
    try:
        os.link(there, here)
    except FileNotFoundError:
        Path(here).parent.mkdir(parents=True, exist_ok=True)
        return _link(there, here)
    except OSError:
        return False
    return True


def _swap(new: Path, final: Path, old: Path) -> None:
    """Puts the new folder in the place of the final one, and deletes what was there."""
    if not final.exists():
        new.rename(final)
    elif exchange(new, final):
        _delete(new)
    else:
        final.rename(old)
        try:
            new.rename(final)
        except OSError:
            old.rename(final)
            raise
        _delete(old)


def _delete(folder: Path) -> None:
    """Deletes a mirror, its marker last: what a kill leaves of it is known as one."""
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != MARKER:
            each.unlink()
    shutil.rmtree(folder)


def exchange(one: Path, other: Path) -> bool:
    """Gives two folders each other's name in one step, which no reader and no kill falls between.

    Returns False where that cannot be done: on other systems than Linux, and on some file systems of networks.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {EINVAL, ENOSYS, ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _is_replaceable(folder: Path) -> bool:
    """Returns whether the folder does not exist, is empty, or is an earlier mirror."""
    return not folder.exists() or (folder.is_dir() and ((folder / MARKER).is_file() or not any(folder.iterdir())))
