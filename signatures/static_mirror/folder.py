"""A folder that is complete at any time: a new version is written beside it, and takes its place when it is done."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

MARKER = "copied-on.txt"  # a folder without this file is not a mirror, and never deleted


class ForeignFolder(Exception):
    """The folder holds something that is not a mirror."""


class MirrorFolder:
    """In a `with` block, everything is written to DIR.new. At its end DIR.new replaces DIR, which is deleted."""

    def __init__(self, final: Path, marker_text: str) -> None:
        self.final = final.resolve()
        if not self.final.name:
            raise ForeignFolder(self.final)  # the root of the file system
        self.marker_text = marker_text
        self.new = self.final.with_name(f"{self.final.name}.new")
        self.old = self.final.with_name(f"{self.final.name}.old")
        self._made: set[Path] = set()

    def __enter__(self) -> Self:
        for folder in (self.final, self.new, self.old):
            if not _is_replaceable(folder):
                raise ForeignFolder(folder)
        if self.old.exists() and not self.final.exists():  # an earlier run broke off in the middle of `_swap`
            self.old.rename(self.final)
        for leftover in (self.new, self.old):
            if leftover.exists():
                shutil.rmtree(leftover)
        self.new.mkdir(parents=True)
        self.write(MARKER, self.marker_text.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._swap()
        else:
            shutil.rmtree(self.new, ignore_errors=True)

    def write(self, name: str, content: bytes) -> None:
        file = self.new / name
        if file.parent not in self._made:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(file.parent)
        file.write_bytes(content)

    def _swap(self) -> None:
        if self.final.exists():
            self.final.rename(self.old)
        try:
            self.new.rename(self.final)
        except OSError:
            if self.old.exists():
                self.old.rename(self.final)
            raise
        if self.old.exists():
            shutil.rmtree(self.old)


def _is_replaceable(folder: Path) -> bool:
    """Returns whether the folder does not exist, is empty, or is an earlier mirror."""
    return not folder.exists() or (folder.is_dir() and ((folder / MARKER).is_file() or not any(folder.iterdir())))
