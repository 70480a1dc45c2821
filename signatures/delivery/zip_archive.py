"""A ZIP that can be written in one way only.

The same files give the same bytes on every machine, and every byte is a file's own or follows from the files, so that
one that was changed is found. Nothing is compressed: what compressors write differs from version to version, holds
bits that say nothing, and can be a bomb.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 1 << 20
LARGEST = 0xFFFF_FFFF  # a ZIP beyond it has another form

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_PLAIN = (20, 0, 0, 0, 0x21)  # version 2.0, no flag, not compressed, the first moment that a ZIP can tell
_MADE_ON_UNIX, _MODE = 3 << 8 | 20, 0o100644 << 16

Progress = Callable[[float], object]  # is told how many bytes were done


class TooLarge(Exception):
    """The files do not fit into a plain ZIP of 4 GiB."""


@dataclass(frozen=True)
class ZipEntry:
    """One file of the archive, and where its header begins."""

    name: str
    size: int
    crc: int
    sha256: str
    at: int

    @property
    def begins(self) -> int:
        return self.at + len(self.header)

    @property
    def ends(self) -> int:
        return self.begins + self.size

    @property
    def header(self) -> bytes:
        name = self.name.encode("ascii")
        return _LOCAL.pack(b"PK\3\4", *_PLAIN, self.crc, self.size, self.size, len(name), 0) + name

    @property
    def record(self) -> bytes:
        name = self.name.encode("ascii")
        sizes = (self.crc, self.size, self.size, len(name))
        return _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX, *_PLAIN, *sizes, 0, 0, 0, 0, _MODE, self.at) + name


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_zip(out: IO[bytes], files: Mapping[str, Path]) -> str:
    """Write these files, in this order; the SHA-256 of the whole.

    Raises:
        TooLarge: when they do not fit.
    """
    digest, entries, at = hashlib.sha256(), list[ZipEntry](), 0
    for name, path in files.items():
        with path.open("rb") as file:
            entry = _measure(file, name, at, None, lambda _bytes: None)
            at = entry.ends
            if at > LARGEST - 100_000:
                raise TooLarge
            entries.append(entry)
            file.seek(0)
            digest.update(entry.header)
            out.write(entry.header)
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                out.write(chunk)
    last = _directory(entries)
    digest.update(last)
    out.write(last)
    return digest.hexdigest()


def read_zip(file: IO[bytes], names: Sequence[str], *, step: Progress) -> tuple[list[ZipEntry], list[str]]:
    """Find these files, which must be all there are, in this order; and what is not as it was written, in sentences.

    Where one is not in its place, those behind it cannot be found, and are left out.
    """
    entries, faults, at = list[ZipEntry](), list[str](), 0
    for name in names:
        file.seek(at)
        header = file.read(_LOCAL.size + len(name))
        if len(header) != _LOCAL.size + len(name) or header[_LOCAL.size :] != name.encode("ascii"):
            before = f", where {entries[-1].name} ends" if entries else ""
            return entries, [*faults, f"{name}: it is not at byte {at} of the archive{before}"]
        crc, size = _LOCAL.unpack_from(header)[6:8]
        entry = _measure(file, name, at, size, step)
        if entry.size != size:
            return entries, [*faults, f"{name}: the archive ends in the middle of it"]
        if entry.crc != crc:
            faults.append(f"{name}: the content is not that of its check sum in the archive")
        elif entry.header != header:
            faults.append(f"{name}: {_differs(header, entry.header, at)}, in its header")
        entries.append(entry)
        at = entry.ends
    wanted = _directory(entries)
    file.seek(at)
    last = file.read(len(wanted) + 1)
    if last != wanted and not faults:  # it repeats the check sums, and would say the same again
        faults.append(f"the archive's directory: {_differs(last, wanted, at)}; it must list these files and end")
    return entries, faults


def _measure(file: IO[bytes], name: str, at: int, size: int | None, step: Progress) -> ZipEntry:
    """Read a file, from here to its end or for as many bytes."""
    digest, crc, done = hashlib.sha256(), 0, 0
    while chunk := file.read(CHUNK if size is None else min(CHUNK, size - done)):
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        done += len(chunk)
        step(len(chunk))
    return ZipEntry(name, done, crc, digest.hexdigest(), at)


def _directory(entries: list[ZipEntry]) -> bytes:
    records = b"".join(entry.record for entry in entries)
    number, begins = len(entries), entries[-1].ends if entries else 0
    return records + _END.pack(b"PK\5\6", 0, 0, number, number, len(records), begins, 0)


def _differs(found: bytes, wanted: bytes, at: int) -> str:
    place = next((n for n, (one, other) in enumerate(zip(found, wanted, strict=False)) if one != other), None)
    if place is None:
        place = min(len(found), len(wanted))
    return f"byte {at + place} is not as it was written"
