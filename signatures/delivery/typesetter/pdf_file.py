"""Writes a PDF file object by object, so that a document of any size needs little memory.

pikepdf keeps all objects of a document in memory: with two for each signatory, that were two gigabytes for a million.
"""

import hashlib
import struct
import zlib
from pathlib import Path

import pikepdf

from campaign.runtime.regular_expressions import Match, linear

TOGETHER = 200  # objects in one compressed stream
LEVEL = 6  # of compression
# A reference, or a string, in which there is none.
REFERENCE = linear(rb"(?<!\\)\((?:[^()\\]|\\.)*+\)|<[0-9A-Fa-f]*>|(?<![\d.])(\d+) (\d+) R")
ENTRY = struct.Struct(">BHIH")  # of the table: a kind, a place of six bytes, a number of two
PLACE = ENTRY.size


class PdfFile:
    """Objects get their numbers by `number`, and are written once, in any order, by `write` or `write_stream`."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.digest = hashlib.sha256()
        self.places = bytearray(PLACE)  # of object 0, which is free
        self.waiting: list[tuple[int, bytes]] = []
        self.position = 0
        self._put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def number(self, amount: int = 1) -> int:
        """Returns the first of so many new numbers in a row."""
        first = len(self.places) // PLACE
        self.places += bytes(PLACE * amount)
        return first

    def write(self, number: int, source: bytes) -> None:
        self.waiting.append((number, source))
        if len(self.waiting) == TOGETHER:
            self._write_waiting()

    def write_stream(self, number: int, entries: bytes, data: bytes) -> None:
        """Writes a stream. `entries` are those of its dictionary but the length."""
        self._set(number, 1, self.position, 0)
        self._put(b"%d 0 obj\n<<%s/Length %d>>\nstream\n" % (number, entries, len(data)))
        self._put(data)
        self._put(b"\nendstream\nendobj\n")

    def close(self, root: int, info: int) -> None:
        """Writes the table of objects. The identifier is the digest of all that is before it."""
        self._write_waiting()
        number, start = self.number(), self.position
        self._set(number, 1, start, 0)
        name = self.digest.hexdigest()[:32].encode()
        table = zlib.compress(self.places, LEVEL)
        self.write_stream(
            number,
            b"/Type/XRef/Size %d/W[1 6 2]/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]/Filter/FlateDecode"
            % (len(self.places) // PLACE, root, info, name, name),
            table,
        )
        self._put(b"startxref\n%d\n%%%%EOF\n" % start)
        self.file.close()

    def _write_waiting(self) -> None:
        if not self.waiting:
            return
        number, heads, length = self.number(), [], 0
        for place, (one, source) in enumerate(self.waiting):
            self._set(one, 2, number, place)
            heads.append(b"%d %d" % (one, length))
            length += len(source) + 1
        head = b" ".join(heads) + b"\n"
        data = zlib.compress(head + b"\n".join(source for _one, source in self.waiting), LEVEL)
        entries = b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(self.waiting), len(head))
        self.waiting = []
        self.write_stream(number, entries, data)

    def _set(self, number: int, kind: int, place: int, other: int) -> None:
        ENTRY.pack_into(self.places, number * PLACE, kind, place >> 32, place & 0xFFFFFFFF, other)

    def _put(self, data: bytes) -> None:
        self.file.write(data)
        self.digest.update(data)
        self.position += len(data)


class Copier:
    """Copies objects of one document into a file, each once, with all that they refer to."""

    def __init__(self, pdf: pikepdf.Pdf, to: PdfFile) -> None:
        self.pdf, self.to = pdf, to
        self.numbers: dict[int, int] = {}
        self.waiting: list[int] = []

    def source(self, value: pikepdf.Object) -> bytes:
        """Returns the source of a value, and copies what it refers to."""
        source = self.renumbered(value.unparse())
        while self.waiting:
            self._copy(self.waiting.pop())
        return source

    def renumbered(self, source: bytes) -> bytes:
        """Returns source with the numbers that its references have in the new file."""
        return REFERENCE.sub(self._new_reference, source)

    def _new_reference(self, found: Match[bytes]) -> bytes:
        if found[1] is None:
            return found[0]
        old = int(found[1])
        if old not in self.numbers:
            self.numbers[old] = self.to.number()
            self.waiting.append(old)
        return b"%d 0 R" % self.numbers[old]

    def _copy(self, old: int) -> None:
        value, number = self.pdf.get_object(old, 0), self.numbers[old]
        if isinstance(value, pikepdf.Stream):
            self.copy_stream(value, number)
        else:
            self.to.write(number, self.renumbered(value.unparse(resolved=True)))

    def copy_stream(self, stream: pikepdf.Object, number: int, more: bytes = b"") -> int:
        """Writes a stream under this number, which it returns, with these entries more."""
        raw = stream.read_raw_bytes()
        entries = pikepdf.Dictionary({key: item for key, item in stream.stream_dict.items() if key != "/Length"})
        if "/Filter" not in entries:
            raw, entries.Filter = zlib.compress(raw, LEVEL), pikepdf.Name.FlateDecode
        self.to.write_stream(number, self.renumbered(entries.unparse())[2:-2] + more, raw)
        return number
