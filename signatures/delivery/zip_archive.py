"""A ZIP format that can be written in one way only.

The same files give the same bytes on every machine, and every byte is a file's own or follows from the files, so any
change is found. Nothing is compressed: the output of compressors differs from version to version, holds bits without
meaning, and can be a bomb.
"""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

CHUNK = 1 << 20  # bytes
MAX_BYTES = 0xFFFF_FFFF  # a larger ZIP has another form
DIRECTORY_ROOM = 100_000  # bytes left for the directory at the end

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_PLAIN = (20, 0, 0)  # version 2.0, no flag, not compressed
_MADE_ON_UNIX, _MODE = 3 << 8 | 20, 0o100644 << 16


class TooLarge(Exception):
    """The files do not fit into a plain ZIP of 4 GiB."""


@dataclass(frozen=True)
class ZipEntry:
    """One file of the archive, and the offset of its header."""

    name: str
    time: tuple[int, int]  # as MS-DOS counted it: hours to two seconds, and years from 1980 to days
    size: int
    crc: int
    offset: int

    @property
    def end(self) -> int:
        return self.offset + len(self.header) + self.size

    @property
    def header(self) -> bytes:
        name = self.name.encode("ascii")
        return _LOCAL.pack(b"PK\3\4", *_PLAIN, *self.time, self.crc, self.size, self.size, len(name), 0) + name

    @property
    def directory_record(self) -> bytes:
        name = self.name.encode("ascii")
        sizes = (self.crc, self.size, self.size, len(name))
        return (
            _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX, *_PLAIN, *self.time, *sizes, 0, 0, 0, 0, _MODE, self.offset) + name
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_zip(out: IO[bytes], files: Mapping[str, Path], *, at: datetime) -> str:
    """Writes these files, in this order. Returns the SHA-256 of the archive.

    Args:
        out: the file.
        files: where each is, by its name in the archive.
        at: the time that each of them has.

    Raises:
        TooLarge: they do not fit.
    """
    digest, entries, offset, time = hashlib.sha256(), list[ZipEntry](), 0, _dos_time(at)

    def write(chunk: bytes) -> None:
        digest.update(chunk)
        out.write(chunk)

    for name, path in files.items():
        with path.open("rb") as file:
            size, crc = _measure(file)
            entry = ZipEntry(name, time, size, crc, offset)
            offset = entry.end
            if offset > MAX_BYTES - DIRECTORY_ROOM:
                raise TooLarge
            entries.append(entry)
            write(entry.header)
            file.seek(0)
            while chunk := file.read(CHUNK):
                write(chunk)
    write(_directory(entries))
    return digest.hexdigest()


def _dos_time(at: datetime) -> tuple[int, int]:
    at = at.astimezone(UTC)
    return at.hour << 11 | at.minute << 5 | at.second >> 1, at.year - 1980 << 9 | at.month << 5 | at.day


def _measure(file: IO[bytes]) -> tuple[int, int]:
    """Returns size and checksum of a file that is read to its end."""
    size = crc = 0
    while chunk := file.read(CHUNK):
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
    return size, crc


def _directory(entries: list[ZipEntry]) -> bytes:
    records = b"".join(entry.directory_record for entry in entries)
    number, start = len(entries), entries[-1].end if entries else 0
    return records + _END.pack(b"PK\5\6", 0, 0, number, number, len(records), start, 0)
