"""A ZIP format that can be written in one way only.

The same files give the same bytes on every machine, and every byte is a file's own or follows from the files, so any
change is found. Nothing is compressed: the output of compressors differs from version to version, holds bits without
meaning, and can be a bomb.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CHUNK = 1 << 20  # bytes
MAX_BYTES = 0xFFFF_FFFF  # a larger ZIP has another form
DIRECTORY_ROOM = 100_000  # bytes left for the directory at the end

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_PLAIN = (20, 0, 0, 0, 0x21)  # version 2.0, no flag, not compressed, midnight of 1980-01-01: the earliest time of a ZIP
_MADE_ON_UNIX, _MODE = 3 << 8 | 20, 0o100644 << 16

Progress = Callable[[float], object]  # called with the number of bytes that were read


class TooLarge(Exception):
    """The files do not fit into a plain ZIP of 4 GiB."""


@dataclass(frozen=True)
class ZipEntry:
    """One file of the archive, and the offset of its header."""

    name: str
    size: int
    crc: int
    sha256: str
    offset: int

    @property
    def start(self) -> int:
        """The offset of the content."""
        return self.offset + len(self.header)

    @property
    def end(self) -> int:
        return self.start + self.size

    @property
    def header(self) -> bytes:
        name = self.name.encode("ascii")
        return _LOCAL.pack(b"PK\3\4", *_PLAIN, self.crc, self.size, self.size, len(name), 0) + name

    @property
    def directory_record(self) -> bytes:
        name = self.name.encode("ascii")
        sizes = (self.crc, self.size, self.size, len(name))
        return _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX, *_PLAIN, *sizes, 0, 0, 0, 0, _MODE, self.offset) + name


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_zip(out: IO[bytes], files: Mapping[str, Path]) -> str:
    """Writes these files, in this order. Returns the SHA-256 of the archive.

    Raises:
        TooLarge: they do not fit.
    """
    digest, entries, offset = hashlib.sha256(), list[ZipEntry](), 0

    def write(chunk: bytes) -> None:
        digest.update(chunk)
        out.write(chunk)

    for name, path in files.items():
        with path.open("rb") as file:
            entry = _measure(file, name, offset, None, lambda _bytes: None)
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


def read_zip(file: IO[bytes], names: Sequence[str], *, progress: Progress) -> tuple[list[ZipEntry], list[str]]:
    """Returns the entries of an archive that must hold exactly these files in this order, and the faults as sentences.

    If one file is not in its place, the files after it cannot be found and are left out.
    """
    entries, faults, offset = list[ZipEntry](), list[str](), 0
    for name in names:
        file.seek(offset)
        header = file.read(_LOCAL.size + len(name))
        if len(header) != _LOCAL.size + len(name) or header[_LOCAL.size :] != name.encode("ascii"):
            previous = f", where {entries[-1].name} ends" if entries else ""
            return entries, [*faults, f"{name}: it is not at byte {offset} of the archive{previous}"]
        crc, size = _LOCAL.unpack_from(header)[6:8]
        entry = _measure(file, name, offset, size, progress)
        if entry.size != size:
            return entries, [*faults, f"{name}: the archive ends in the middle of it"]
        if entry.crc != crc:
            faults.append(f"{name}: the content does not match its checksum in the archive")
        elif entry.header != header:
            faults.append(f"{name}: {_first_difference(header, entry.header, offset)}, in its header")
        entries.append(entry)
        offset = entry.end
    expected = _directory(entries)
    file.seek(offset)
    directory = file.read(len(expected) + 1)
    if directory != expected and not faults:  # it repeats the checksums, and would report the same again
        difference = _first_difference(directory, expected, offset)
        faults.append(f"the archive's directory: {difference}; it must list these files and end")
    return entries, faults


def _measure(file: IO[bytes], name: str, offset: int, size: int | None, progress: Progress) -> ZipEntry:
    """Returns the entry of the file that is read from here: to its end, or `size` bytes."""
    digest, crc, done = hashlib.sha256(), 0, 0
    while chunk := file.read(CHUNK if size is None else min(CHUNK, size - done)):
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        done += len(chunk)
        progress(len(chunk))
    return ZipEntry(name, done, crc, digest.hexdigest(), offset)


def _directory(entries: list[ZipEntry]) -> bytes:
    records = b"".join(entry.directory_record for entry in entries)
    number, start = len(entries), entries[-1].end if entries else 0
    return records + _END.pack(b"PK\5\6", 0, 0, number, number, len(records), start, 0)


def _first_difference(found: bytes, expected: bytes, offset: int) -> str:
    shorter = min(len(found), len(expected))
    index = next((n for n in range(shorter) if found[n] != expected[n]), shorter)
    return f"byte {offset + index} is not as it was written"
