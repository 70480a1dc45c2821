"""A folder that is whole at any time: written beside the one before, and put in its place when it is done."""

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

MARKER = "copied-on.txt"  # a folder without it is somebody else's, and never thrown away


class ForeignFolder(Exception):
    """The folder holds something that is no copy."""


class MirrorFolder:
    """Until the end of a `with` all is written to DIR.new; then that takes the place of DIR, which is deleted."""

    def __init__(self, final: Path, mark: str) -> None:
        self.final = final.resolve()
        if not self.final.name:
            raise ForeignFolder(self.final)  # the root of all
        self.mark = mark
        self.new = self.final.with_name(f"{self.final.name}.new")
        self.old = self.final.with_name(f"{self.final.name}.old")
        self._made: set[Path] = set()

    def __enter__(self) -> Self:
        for folder in (self.final, self.new, self.old):
            if not _is_ours(folder):
                raise ForeignFolder(folder)
        if self.old.exists() and not self.final.exists():  # it broke off between two steps of `_swap`
            self.old.rename(self.final)
        for left in (self.new, self.old):
            if left.exists():
                shutil.rmtree(left)
        self.new.mkdir(parents=True)
        self.write(MARKER, self.mark.encode())
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


def _is_ours(folder: Path) -> bool:
    """Whether it may be replaced: there is none, it is empty, or an earlier copy."""
    return not folder.exists() or (folder.is_dir() and ((folder / MARKER).is_file() or not any(folder.iterdir())))
