#!/usr/bin/env python3
"""Checks a delivered list of signatures: a package (ZIP or unpacked folder), or the receipt of one signer.

    python3 check.py PACKAGE.zip [--digest HEX] [--edition HEX] [--key BASE64] [--receipt FILE]
    python3 check.py RECEIPT.json [--digest HEX]

It needs Python 3.9 or later and nothing else: no network, no account, no database. It reads and never writes, and its
memory does not grow with the list. The exit code is 0 if everything is whole, 3 if it is whole but names were blanked
and each blanking has its record, and 1 if it is not whole.

This is one file, because anybody must be able to take it along and read it from top to bottom. `check.html` beside it
does the same in a browser; it was written apart, and both are tested to say the same sentences.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import csv
import hashlib
import json
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime, timezone
from itertools import product
from pathlib import Path
from typing import IO, Any

FORMAT = 2
WHOLE, NOT_WHOLE, BLANKED = 0, 1, 3  # exit codes
PDF, CSV, LEAVES = "letter-with-signatories.pdf", "signatories.csv", "leaves.csv"
STATEMENT, FILES = "statement.json", "files.json"
STATEMENT_SIGNATURE, FILES_SIGNATURE = "statement.json.minisig", "files.json.minisig"
COUNTERSIGNATURE, TIME_STAMP = "statement.json.auditor.minisig", "statement.tsr"
PROGRAMS = ("check.py", "check.html", "READ-ME.txt")
LEFT_BY_SYSTEMS = ("Thumbs.db", "desktop.ini")  # in a folder that somebody looked at, beside names with a dot in front
COLUMNS = ("number", "kind", "name", "role", "organization", "country", "signed_on", "language", "revision", "source")
LEAF_COLUMNS = ("number", "kind", "salt", "leaf")
KINDS, SOURCES = ("person", "organization"), ("web", "paper", "evidence")
REASONS = ("made", "erased", "fonts", "address", "time-stamp", "auditor", "letterhead", "remade")
FORMER_FORMAT = (
    "This is of format 1. It is checked by `manage.py verify_delivery` of Undersigned 0.9, or as its own READ-ME.txt "
    "says."
)

CHUNK = 1 << 20  # bytes
BLOCK = 1024  # leaves whose subtree is reduced to one node
MAX_LINE = 1 << 16  # bytes, without its CRLF; each cell is below the limit of Python's csv
MAX_JSON = 1 << 26  # bytes: a record of erasure has about 80
MAX_FAULTS = 10  # of the list; more of them say nothing new
MAX_FILES, MAX_PATH = 500, 100
MAX_INTEGER = (1 << 53) - 1  # a larger number is not exact in JSON (RFC 8785)

Report = Callable[[str], None]
Progress = Callable[[int], None]  # called with the number of bytes that were read


class Fault(Exception):
    """Checking cannot go on. The message is one sentence."""


# ---- JSON that can be written in one way only (RFC 8785) ----


class _Strict:
    """What Python's parser calls on its way, so that it takes no more than this format has."""

    def __init__(self, name: str) -> None:
        self.name = name

    def once(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise Fault(f"{self.name}: the key “{key}” is there twice.")
            found[key] = value
        return found

    def whole_number(self, digits: str) -> int:
        if digits == "-0" or len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
            self.refuse_number(digits)
        return int(digits)

    def refuse_number(self, digits: str) -> None:
        raise Fault(f"{self.name}: the number {digits[:30]} is not written as a whole number of this format.")

    def refuse_constant(self, word: str) -> None:
        raise Fault(f"{self.name}: {word} is no number of JSON.")


def parse_json(data: bytes, name: str) -> Any:
    """Returns the value of a JSON text without duplicate keys, without NaN, and with whole numbers alone."""
    strict = _Strict(name)
    if len(data) > MAX_JSON:
        raise Fault(f"{name}: it is too long.")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=strict.once,
            parse_int=strict.whole_number,
            parse_float=strict.refuse_number,
            parse_constant=strict.refuse_constant,
        )
    except UnicodeDecodeError:
        raise Fault(f"{name}: it is not in UTF-8.") from None
    except (ValueError, RecursionError):
        raise Fault(f"{name}: it is no JSON.") from None


def canonical(value: Any, name: str) -> bytes:
    """Returns the one way to write this value. Keys are sorted as RFC 8785 says: by UTF-16 code units."""
    try:
        text = json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise Fault(f"{name}: it holds half a character.") from None
    except RecursionError:
        raise Fault(f"{name}: it is no JSON.") from None


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return {key: _sorted(value[key]) for key in keys}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def read_canonical(data: bytes, name: str, form: Any) -> Any:
    """Returns the content of a JSON file that is written canonically and has this form."""
    found = parse_json(data, name)
    check_form(found, form, name)
    if canonical(found, name) != data:
        raise Fault(f"{name}: it is not written in the one canonical way (RFC 8785).")
    return found


# ---- what a statement, a list of files and a receipt consist of ----


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_positive(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and f"{_time(value):%Y-%m-%dT%H:%M:%SZ}" == value >= "1980"
    except ValueError:
        return False


def _is_key(value: Any) -> bool:
    data = _base64(value) if isinstance(value, str) else None
    return data is not None and len(data) == 42 and data[:2] == b"Ed"


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_positive, value.values()))


def _is_digests(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_digest, value.values()))


def _is_reason(value: Any) -> bool:
    return value in REASONS


def _is_row(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len(COLUMNS) and all(map(_is_text, value))


# A dict has exactly these keys; a list has any number of items of its one form; of a tuple, one form fits.
FORM_OF_STATEMENT: dict[str, Any] = {
    "format": _is_count, "software": _is_text, "organization": {"name": _is_text, "contact": _is_text},
    "site": _is_text, "letter": {"slug": _is_text, "title": _is_text, "recipient": _is_text},
    "number": _is_positive, "frozen_at": _is_time, "order": _is_text,
    "texts": [{"language": _is_text, "revision": _is_count, "authoritative": _is_flag, "sha256": _is_digest,
               "file": _is_text}],
    "method": {"moderation": _is_text, "confirmed": {"email": _is_count, "paper": _is_count, "evidence": _is_count},
               "looked_at": _is_count},
    "counts": {"delivered": _is_count, "named": _is_count, "counted_only": _is_count, "waiting": _is_count,
               "withdrawn": _is_count, "rejected": _is_count, "public_count": _is_count, "organizations": _is_count,
               "by_source": {"web": _is_count, "paper": _is_count, "evidence": _is_count},
               "by_revision": _is_counts, "by_language": _is_counts, "by_country": _is_counts, "by_week": _is_counts,
               "by_flag": _is_counts, "by_decision": _is_counts},
    "since_last": (None, {"delivery": _is_positive, "added": _is_count, "gone": _is_count}),
    "errata": [{"delivery": _is_positive, "withdrawn": _is_count, "erased": _is_count, "rejected": _is_count}],
    "previous": (None, _is_digest), "list": {"root": _is_digest, "leaves": _is_count}, "key": (None, _is_key),
}  # fmt: skip
# Of these the small numbers may stand together: what is said of a few people could tell on one.
FOLDED, OTHERS = ("by_language", "by_country", "by_week"), "*"
FORM_OF_FILES: dict[str, Any] = {
    "format": _is_count, "statement": _is_digest, "edition": _is_positive, "made_at": _is_time, "reason": _is_reason,
    "erasures": [{"place": _is_count, "number": (None, _is_positive), "at": _is_time, "erratum": (None, _is_count)}],
    "files": _is_digests,
}  # fmt: skip
FORM_OF_RECEIPT: dict[str, Any] = {
    "format": _is_count, "statement": FORM_OF_STATEMENT, "place": _is_count, "row": (None, _is_row),
    "salt": _is_digest, "path": [_is_digest],
}  # fmt: skip


def check_form(value: Any, form: Any, name: str, where: str = "") -> None:
    """Raises a fault unless the value has this form: no key less, no key more, each value of its kind."""
    if isinstance(form, tuple):
        if value is not None:
            check_form(value, form[1], name, where)
    elif isinstance(form, dict) and isinstance(value, dict):
        _check_keys(value, form, name, where)
        for key, part in form.items():
            check_form(value[key], part, name, f"{where}{key}.")
    elif isinstance(form, list) and isinstance(value, list):
        for item in value:
            check_form(item, form[0], name, where)
    elif isinstance(form, (dict, list)) or not form(value):
        raise Fault(f"{name}: “{where[:-1]}” is not what format {FORMAT} allows there.")


def _check_keys(value: dict[str, Any], form: dict[str, Any], name: str, where: str) -> None:
    if "format" in form and type(value.get("format")) is int and value["format"] != FORMAT:
        raise Fault(FORMER_FORMAT if value["format"] == 1 else f"{name}: it is not of format {FORMAT}.")
    for key in sorted(value):
        if key not in form:
            raise Fault(f"{name}: the key “{where}{key}” is not known in format {FORMAT}.")
    for key in form:
        if key not in value:
            raise Fault(f"{name}: the key “{where}{key}” is missing.")


def check_statement(statement: dict[str, Any], name: str) -> Iterator[str]:
    """Returns the faults of a statement that contradicts itself."""
    counts, confirmed = statement["counts"], statement["method"]["confirmed"]
    delivered, named = counts["delivered"], counts["named"]
    if delivered != named + counts["counted_only"]:
        yield f"{name}: {delivered} delivered are not {named} named and {counts['counted_only']} counted only."
    if statement["list"]["leaves"] != delivered:
        yield f"{name}: the list has {statement['list']['leaves']} leaves, and {delivered} were delivered."
    if not delivered <= counts["public_count"] <= delivered + counts["waiting"]:
        yield f"{name}: the public count of {counts['public_count']} fits neither who was delivered nor who waited."
    if sum(confirmed.values()) != delivered:
        yield f"{name}: {sum(confirmed.values())} were confirmed, and {delivered} were delivered."
    if statement["method"]["looked_at"] > delivered:
        yield f"{name}: {statement['method']['looked_at']} were looked at, and {delivered} were delivered."
    for breakdown in ("by_source", "by_revision", "by_language", "by_country", "by_week"):
        if sum(counts[breakdown].values()) != named:
            yield f"{name}: {breakdown} adds up to {sum(counts[breakdown].values())}, and {named} are named."
    yield from _check_parts_of_delivered(counts, confirmed, name)
    yield from _check_earlier_deliveries(statement, name)
    yield from _check_texts_of_statement(statement, name)


def _check_parts_of_delivered(counts: dict[str, Any], confirmed: dict[str, int], name: str) -> Iterator[str]:
    delivered, named = counts["delivered"], counts["named"]
    for source in SOURCES:
        number, of_all = counts["by_source"][source], confirmed["email" if source == "web" else source]
        if number > of_all:
            yield f"{name}: by_source of “{source}” is {number}, and {of_all} were confirmed so."
    if counts["organizations"] > named:
        yield f"{name}: {counts['organizations']} are organizations, and {named} are named."
    for flag, number in counts["by_flag"].items():
        if number > delivered:
            yield f"{name}: by_flag of “{flag}” is {number}, and {delivered} were delivered."


def _check_earlier_deliveries(statement: dict[str, Any], name: str) -> Iterator[str]:
    number, since, delivered = statement["number"], statement["since_last"], statement["counts"]["delivered"]
    if since and since["delivery"] >= number:
        yield f"{name}: the last delivery before it is not an earlier one."
    if since and since["added"] > delivered:
        yield f"{name}: {since['added']} came since the last delivery, and {delivered} were delivered."
    if not since and statement["previous"]:
        yield f"{name}: it has the digest of a delivery before it, and says that there was none."
    earlier = [each["delivery"] for each in statement["errata"]]
    if earlier != sorted(set(earlier)) or any(each >= number for each in earlier):
        yield f"{name}: its errata are not of earlier deliveries, in their order and each once."


def _check_texts_of_statement(statement: dict[str, Any], name: str) -> Iterator[str]:
    paths = [text["file"] for text in statement["texts"]]
    known = set()
    for text in statement["texts"]:
        language, revision = text["language"], text["revision"]
        if (language, revision, text["sha256"]) in known:  # a corrected text has the same revision, and another digest
            yield f"{name}: a text of revision {revision} in the language “{language}” is there twice."
        known.add((language, revision, text["sha256"]))
        names = {f"texts/{language}.txt", f"texts/{language}-{revision}.txt"}
        names |= {f"texts/{language}-{revision}-{ordinal}.txt" for ordinal in range(1, MAX_FILES)}
        if text["file"] not in names or paths.count(text["file"]) > 1:
            yield f"{name}: “{text['file']}” is not the name of one text in the language “{language}”."


# ---- the ZIP that can be written in one way only, or the folder ----


class Part:
    """One file of a package."""

    def __init__(
        self, opened: Callable[[], AbstractContextManager[IO[bytes]]], start: int, size: int, sha256: str
    ) -> None:
        self._opened, self._start, self.size, self.sha256 = opened, start, size, sha256

    def chunks(self) -> Iterator[bytes]:
        """Returns the content. Several files of one ZIP can be read in turns."""
        at, end = self._start, self._start + self.size
        with self._opened() as file:
            while at < end:
                file.seek(at)
                chunk = file.read(min(CHUNK, end - at))
                if not chunk:
                    raise Fault("The file became shorter while it was read.")
                at += len(chunk)
                yield chunk

    def read(self) -> bytes:
        if self.size > MAX_JSON:
            raise Fault("A file that must be short is too long.")
        return b"".join(self.chunks())

    def blake2b(self) -> bytes:
        digest = hashlib.blake2b()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.digest()


_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_MADE_ON_UNIX, _MODE = 3 << 8 | 20, 0o100644 << 16


class Archive:
    """The files of a ZIP, the one time that all of them carry, and the faults in how it is written."""

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self.parts: dict[str, Part] = {}
        self.faults: list[str] = []
        self.folder = ""
        self.time: tuple[int, int] | None = None  # as a ZIP writes it: time of day, day
        self._file, self._directory, offset = file, list[bytes](), 0
        while len(self._directory) <= MAX_FILES:
            file.seek(offset)
            header = file.read(_LOCAL.size)
            if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
                break
            offset = self._read_entry(header, offset, progress)
        if not self._directory:
            raise Fault("This is no package: it does not begin as a ZIP of this format does.")
        self._check_end(offset)

    def _read_entry(self, header: bytes, offset: int, progress: Progress) -> int:
        """Adds the file whose header this is. Returns where it ends."""
        _, version, flags, method, time, day, crc, size, full_size, name_length, extra = _LOCAL.unpack(header)
        name = self._file.read(name_length).decode("ascii", "replace")
        shown = name[:MAX_PATH]
        if not self._directory and name in (PDF, "manifest.json"):
            raise Fault(FORMER_FORMAT)
        if method or flags or extra or size != full_size:
            raise Fault(f"{shown}: it is compressed, or its header is not written as in a package.")
        if self.time is None:
            self.time = (time, day)
        if version != 20 or self.time != (time, day):
            self.faults.append(f"{shown}: its header is not written as in a package.")
        start = offset + _LOCAL.size + name_length
        found_crc, sha256, done = 0, hashlib.sha256(), 0
        while done < size:
            chunk = self._file.read(min(CHUNK, size - done))
            if not chunk:
                raise Fault(f"{shown}: the ZIP ends in the middle of it.")
            found_crc = zlib.crc32(chunk, found_crc)
            sha256.update(chunk)
            done += len(chunk)
            progress(len(chunk))
        if found_crc != crc:
            self.faults.append(f"{shown}: the content does not fit its checksum in the ZIP.")
        self._add(name, Part(lambda: nullcontext(self._file), start, size, sha256.hexdigest()))
        plain = (20, 0, 0, *self.time, crc, size, size, name_length)
        head = _CENTRAL.pack(b"PK\1\2", _MADE_ON_UNIX, *plain, 0, 0, 0, 0, _MODE, offset)
        self._directory.append(head + name.encode("ascii", "replace"))
        return int(start + size)

    def _add(self, name: str, part: Part) -> None:
        folder, _, path = name.partition("/")
        if not self._directory:
            self.folder = folder
        if folder != self.folder or not is_path(path):
            self.faults.append(f"{name[:MAX_PATH]}: this is no name of a file in the one folder of a package.")
        elif path in self.parts:
            self.faults.append(f"{path}: it is there twice.")
        else:
            self.parts[path] = part

    def _check_end(self, offset: int) -> None:
        records = b"".join(self._directory)
        number = len(self._directory)
        expected = records + _END.pack(b"PK\5\6", 0, 0, number, number, len(records), offset, 0)
        self._file.seek(offset)
        found = self._file.read(len(expected) + 1)
        if found[: len(expected)] != expected:
            self.faults.append("The directory at the end of the ZIP is not the one of these files.")
        elif len(found) > len(expected):
            self.faults.append("The ZIP goes on after its end.")


def is_path(path: str) -> bool:
    """Tells whether a package may hold a file of this name: short, ASCII, in its folder, without a dot in front."""
    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")
    return len(path) <= MAX_PATH and set(path) <= letters and all(part[:1] not in ("", ".") for part in path.split("/"))


def read_folder(folder: Path, progress: Progress, result: Result) -> dict[str, Part]:
    """Returns the files of an unpacked package. Faults and notes go into the result.

    No package has a name with a dot in front. A Mac writes them beside each file on a foreign disk.
    """
    parts: dict[str, Part] = {}
    faults = result.faults
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        name = relative.as_posix()
        if any(part.startswith(".") for part in relative.parent.parts):
            continue  # in a folder that was noted
        is_left = path.name in LEFT_BY_SYSTEMS and path.is_file() and not path.is_symlink()
        if is_left or path.name.startswith("."):
            result.notes.append(f"{name[:MAX_PATH]}: an operating system may have left it. It was not looked at.")
        elif path.is_symlink() or not (path.is_file() or path.is_dir()) or not is_path(name) or len(parts) > MAX_FILES:
            faults.append(f"{name[:MAX_PATH]}: this is no name of a file in the one folder of a package.")
        elif path.is_file():
            sha256, size = hashlib.sha256(), 0
            with path.open("rb") as file:
                for chunk in iter(lambda file=file: file.read(CHUNK), b""):  # type: ignore[misc]  # no type for a default
                    sha256.update(chunk)
                    size += len(chunk)
                    progress(len(chunk))
            parts[name] = Part(_opener(path), 0, size, sha256.hexdigest())
    if "manifest.json" in parts:
        raise Fault(FORMER_FORMAT)
    return parts


def _opener(path: Path) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    return lambda: path.open("rb")


# ---- Ed25519 (RFC 8032) and the signature files of minisign ----

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
Point = tuple[int, int, int, int]  # extended coordinates


def _plus(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, p: Point) -> Point:
    product_: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            product_ = _plus(product_, p)
        p, scalar = _plus(p, p), scalar >> 1
    return product_


def _point(data: bytes) -> Point | None:
    """Returns the point that is encoded, None if the encoding is not the one of a point."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if y >= _P or (x * x - square) % _P or (not x and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    """Tells whether this is the Ed25519 signature of the message by the owner of this key."""
    point, nonce, s = _point(key), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if point is None or nonce is None or _BASE is None or s >= _L or _times(8, point)[0] == 0:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    left, right = _times(s, _BASE), _plus(nonce, _times(k, point))
    return not ((left[0] * right[2] - right[0] * left[2]) % _P or (left[1] * right[2] - right[1] * left[2]) % _P)


def _base64(text: str) -> bytes | None:
    """Returns the bytes, None unless the text is the one way to write them."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


class Minisign:
    """A signature file of minisign, prehashed: four lines, two of them signatures."""

    def __init__(self, data: bytes, name: str) -> None:
        lines = data.decode("utf-8", "replace").split("\n")
        found = [_base64(lines[at]) if len(lines) == 5 else None for at in (1, 3)] if len(lines) > 3 else [None, None]
        signature, over_all = found
        if (
            signature is None or over_all is None or lines[4] or len(signature) != 74 or len(over_all) != 64
            or signature[:2] != b"ED" or not lines[0].startswith("untrusted comment: ")
            or not lines[2].startswith("trusted comment: ")
        ):  # fmt: skip
            raise Fault(f"{name}: it is no prehashed signature file of minisign.")
        self.name, self.untrusted, self.trusted = name, lines[0].partition(": ")[2], lines[2].partition(": ")[2]
        self.key_id, self._signature, self._over_all = signature[2:10], signature[10:], over_all

    def fault(self, part: Part, of: str, key: str) -> str:
        """Returns why it is not the signature of this file by this key; nothing if it is."""
        key_bytes = _base64(key) or b""
        if self.key_id != key_bytes[2:10] or len(key_bytes) != 42:
            return f"{self.name}: it was made with another key."
        if not is_signed(part.blake2b(), self._signature, key_bytes[10:]):
            return f"{self.name}: it is not the signature of {of}."
        if not is_signed(self._signature + self.trusted.encode(), self._over_all, key_bytes[10:]):
            return f"{self.name}: its trusted comment was changed."
        return ""


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


# ---- rows, leaves and the tree (RFC 9162) ----


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def reduce_level(nodes: list[bytes]) -> bytes:
    """Returns the root over these nodes; one without a neighbor goes up as it is."""
    while len(nodes) > 1:
        above = list(map(node, nodes[::2], nodes[1::2]))
        nodes = above + nodes[-1:] if len(nodes) % 2 else above
    return nodes[0] if nodes else hashlib.sha256().digest()


class Tree:
    """A Merkle tree that grows by leaves and keeps one node for each whole block."""

    def __init__(self) -> None:
        self.size = 0
        self._blocks: list[bytes] = []
        self._leaves: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        self._leaves.append(leaf)
        self.size += 1
        if len(self._leaves) == BLOCK:
            self._blocks.append(reduce_level(self._leaves))
            self._leaves = []

    def root(self) -> bytes:
        return reduce_level(self._blocks + ([reduce_level(self._leaves)] if self._leaves else []))


def root_of_path(leaf: bytes, place: int, size: int, path: list[bytes]) -> bytes | None:
    """Returns the root to which a path leads (RFC 9162, 2.1.3.2), None if the path has the wrong length."""
    index, last, root = place, size - 1, leaf
    if index > last:
        return None
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            root = node(sibling, root)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            root = node(root, sibling)
        index, last = index >> 1, last >> 1
    return root if last == 0 else None


def leaf_of(salt: bytes, row: list[str] | None) -> bytes:
    content = "counted" if row is None else json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"\0" + salt + content.encode("utf-8", "surrogatepass")).digest()


_BLANKS, _GUARD = " \u00a0\u3000", "'"
_FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
    "\t",
    "\r",
    "\n",
)  # with full-width forms
# A cell that begins with none of these needs no guard and has none: the first bytes of all of the above.
_MAY_BE_GUARDED = frozenset([b"=", b"+", b"-", b"@", b"'", b" ", b"\t", b"\r", b"\n", b"\xc2", b"\xe3", b"\xef"])
_ALL_BUT_CONTROLS = bytes(range(0x20, 0x100))


def is_formula(cell: str) -> bool:
    """Tells whether a spreadsheet would run the cell."""
    return cell.lstrip(_BLANKS).startswith(_FORMULA_STARTS)


def parse_row(line: bytes) -> list[str] | None:
    """Returns the cells of a line of a CSV that is written in the one way, None if it is not."""
    text = line.decode("utf-8", "replace")
    try:
        cells = next(csv.reader([text], strict=True), [])
    except csv.Error:
        return None
    again = ",".join('"' + cell.replace('"', '""') + '"' if '"' in cell or "," in cell else cell for cell in cells)
    return cells if again == text and "\r" not in text and "\n" not in text else None


class Lines:
    """The lines of a CSV, one after the other, in bounded memory. Each ends with CRLF."""

    def __init__(self, part: Part, name: str, progress: Progress) -> None:
        self.number = 0  # of the line that was returned last
        self.has_controls = False  # whether control characters are near it
        self._part, self._name, self._progress = part, name, progress

    def __iter__(self) -> Iterator[bytes]:
        rest, first = b"", 1
        for chunk in self._part.chunks():
            self._progress(len(chunk))
            data = rest + chunk
            lines = data.split(b"\r\n")
            rest = lines.pop()
            self._check(data, lines, rest, first)
            for line in lines:
                self.number += 1
                yield line
            first += len(lines)
        if rest:
            raise Fault(f"{self._name}: the last line does not end with CRLF.")

    def _check(self, data: bytes, lines: list[bytes], rest: bytes, first: int) -> None:
        if data.count(b"\n") != len(lines):
            bad = next(at for at, line in enumerate([*lines, rest]) if b"\n" in line)
            raise Fault(f"{self._name}, line {first + bad}: a line ends otherwise than with CRLF.")
        all_lines = [*lines, rest.removesuffix(b"\r")]  # whose LF may come with the next chunk
        if max(map(len, all_lines)) > MAX_LINE:
            bad = next(at for at, line in enumerate(all_lines) if len(line) > MAX_LINE)
            raise Fault(f"{self._name}, line {first + bad}: it is too long.")
        try:
            data[: len(data) - len(rest)].decode("utf-8")
        except UnicodeDecodeError:
            raise Fault(f"{self._name}: it is not in UTF-8.") from None
        self.has_controls = len(data.translate(None, _ALL_BUT_CONTROLS)) != 2 * len(lines)


class Entries:
    """Reads rows and leaves side by side: checks each, counts all, and builds the tree."""

    def __init__(self, rows: Lines, leaves: Lines, erasures: list[dict[str, Any]]) -> None:
        self._rows, self._leaves = rows, leaves
        self._records = {record["place"]: record for record in erasures}
        self.named = self.counted = self.blanked = self.blanked_names = self._unreported = 0
        self.faults: list[str] = []
        self.tree = Tree()
        self._days: Counter[bytes] = Counter()
        self._countries: Counter[bytes] = Counter()
        self._others: Counter[bytes] = Counter()  # kind, language, revision, source
        places = [record["place"] for record in erasures]
        if places != sorted(set(places)):
            self._fault(f"{FILES}: the records of erasure are not in the order of their places, or one is there twice.")

    def read(self) -> None:
        """Reads everything.

        Raises:
            Fault: the files cannot be read to their end.
        """
        rows, leaves = iter(self._rows), iter(self._leaves)
        if next(rows, None) != b"\xef\xbb\xbf" + ",".join(COLUMNS).encode():
            raise Fault(f"{CSV}: the first line is not the one of format {FORMAT}.")
        if next(leaves, None) != ",".join(LEAF_COLUMNS).encode():
            raise Fault(f"{LEAVES}: the first line is not the one of format {FORMAT}.")
        for line in leaves:
            self._read_leaf(line, rows)
        if next(rows, None) is not None:
            self._fault(f"{CSV}, line {self._rows.number}: this row has no leaf.")
        for place in sorted(self._records):
            self._fault(f"{FILES}: the record of erasure of place {place} is of somebody who is not blanked.")
        if self._unreported:
            self.faults.append(f"The list has more faults than these: {self._unreported}.")

    def _read_leaf(self, line: bytes, rows: Iterator[bytes]) -> None:
        fields, number = line.split(b","), self._leaves.number
        try:
            cell, kind, salt, leaf = fields
            salt_bytes, leaf_bytes = binascii.unhexlify(salt), binascii.unhexlify(leaf)
        except ValueError:
            raise Fault(f"{LEAVES}, line {number}: this is not number, kind, salt and leaf.") from None
        if (
            len(leaf_bytes) != 32 or binascii.hexlify(leaf_bytes) != leaf
            or (salt and (len(salt_bytes) != 32 or binascii.hexlify(salt_bytes) != salt))
        ):  # fmt: skip
            raise Fault(f"{LEAVES}, line {number}: this is not number, kind, salt and leaf.")
        if kind == b"named":
            self.named += 1
            self._read_named(cell, salt_bytes, leaf_bytes, rows)
        elif kind == b"counted":
            self.counted += 1
            if cell:
                self._fault(f"{LEAVES}, line {number}: who is counted only has no number.")
            elif not salt:
                self._check_record(None)
            elif leaf_bytes != hashlib.sha256(b"\0" + salt_bytes + b"counted").digest():
                self._fault(f"{LEAVES}, line {number}: this leaf is said to be counted only, and is not.")
        else:
            raise Fault(f"{LEAVES}, line {number}: this is not number, kind, salt and leaf.")
        self.tree.add(leaf_bytes)

    def _read_named(self, number: bytes, salt: bytes, leaf: bytes, rows: Iterator[bytes]) -> None:
        line = next(rows, None)
        if number != b"%d" % self.named or self.counted:
            self._fault(f"{LEAVES}, line {self._leaves.number}: it is not in its place; number {self.named} must be.")
        elif line is None:
            raise Fault(f"{CSV}: there is no row of number {self.named}.")
        elif not salt:
            self.blanked_names += 1
            self._check_record(self.named)
            if line != number + b"," * (len(COLUMNS) - 1):
                self._fault(
                    f"{CSV}, line {self._rows.number}: the leaf of number {self.named} is blanked, the row is not."
                )
        else:
            cells = line.split(b",")
            if (
                self._rows.has_controls or b'"' in line or b"\\" in line or len(cells) != 10
                or not _MAY_BE_GUARDED.isdisjoint((cells[2][:1], cells[3][:1], cells[4][:1]))
            ):  # fmt: skip
                self._read_odd_row(line, number, salt, leaf)
                return
            content = b'["' + line.replace(b",", b'","') + b'"]'
            if cells[0] != number or hashlib.sha256(b"\0" + salt + content).digest() != leaf:
                self._leaf_fault()
            self._count(cells)

    def _read_odd_row(self, line: bytes, number: bytes, salt: bytes, leaf: bytes) -> None:
        """Checks a row that is quoted, escaped in its leaf, or perhaps guarded against formulas."""
        row = parse_row(line)
        if row is None or len(row) != len(COLUMNS):
            self._fault(f"{CSV}, line {self._rows.number}: it is not written as a row of {len(COLUMNS)} cells.")
            return
        if any(map(is_formula, row[2:5])):
            self._fault(f"{CSV}, line {self._rows.number}: a cell begins like a formula, and its guard is missing.")
            return
        # An apostrophe before what looks like a formula is the guard, or the signer's own: the leaf tells which.
        words = [[cell[1:], cell] if cell[:1] == _GUARD and is_formula(cell[1:]) else [cell] for cell in row[2:5]]
        rows = ([*row[:2], *three, *row[5:]] for three in product(*words))
        if row[0].encode() != number or leaf not in (leaf_of(salt, each) for each in rows):
            self._leaf_fault()
        self._count([cell.encode() for cell in row])

    def _leaf_fault(self) -> None:
        self._fault(f"{CSV}, line {self._rows.number}: row and salt do not give the leaf of number {self.named}.")

    def _count(self, cells: list[bytes]) -> None:
        self._days[cells[6]] += 1
        self._countries[cells[5]] += 1
        self._others[b",".join([cells[1], *cells[7:]])] += 1

    def _check_record(self, number: int | None) -> None:
        self.blanked += 1
        record = self._records.pop(self.tree.size, None)
        if record is None:
            self._fault(f"{LEAVES}, line {self._leaves.number}: it is blanked, and {FILES} has no record of it.")
        elif record["number"] != number:
            self._fault(f"{FILES}: the record of erasure of place {self.tree.size} has another number.")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(text)
        else:
            self._unreported += 1

    def check_counts(self, statement: dict[str, Any]) -> Iterator[str]:
        """Returns the faults of what the statement says of the list."""
        counts = statement["counts"]
        for what, found in (("named", self.named), ("counted_only", self.counted)):
            if counts[what] != found:
                yield f"{STATEMENT}: {what} is {counts[what]}, and the list gives {found}."
        if statement["list"]["leaves"] != self.tree.size:
            leaves = statement["list"]["leaves"]
            yield f"{STATEMENT}: the list is said to have {leaves} leaves, and has {self.tree.size}."
        if statement["list"]["root"] != self.tree.root().hex():
            yield f"{STATEMENT}: its root is not the root of this list."
        self._found: dict[str, Counter[str]] = {
            name: Counter() for name in ("by_source", "by_revision", "by_language", "by_country", "by_week")
        }
        yield from self._check_kinds(counts)
        yield from self._check_countries_and_days()
        for name, those in self._found.items():
            if name in FOLDED:
                for key in [key for key in those if key not in counts[name]]:
                    those[OTHERS] += those.pop(key)
            for key in sorted({*those, *counts[name]}):
                claimed, there = counts[name].get(key, 0), those[key]
                if not there <= claimed <= there + self.blanked_names:
                    yield f"{STATEMENT}: {name} of “{key}” is {claimed}, and the list gives {there}."

    def _check_kinds(self, counts: dict[str, Any]) -> Iterator[str]:
        organizations = 0
        for other, number in sorted(self._others.items()):
            kind, language, revision, source = other.decode().rsplit(",", 3)
            if kind not in KINDS or source not in SOURCES:
                yield f"{CSV}: “{kind[:50]}” and “{source[:50]}” are no kind and source."
            organizations += number if kind == "organization" else 0
            for name, key in (("by_source", source), ("by_revision", revision), ("by_language", language)):
                self._found[name][key] += number
        if not organizations <= counts["organizations"] <= organizations + self.blanked_names:
            yield f"{STATEMENT}: organizations is {counts['organizations']}, and the list gives {organizations}."

    def _check_countries_and_days(self) -> Iterator[str]:
        for country, number in sorted(self._countries.items()):
            if country and not (len(country) == 2 and country.isalpha() and country.isupper()):
                yield f"{CSV}: “{country.decode()[:20]}” is no country."
            self._found["by_country"][country.decode()] += number
        for day, number in sorted(self._days.items()):
            week = week_of(day.decode())
            if week is None:
                yield f"{CSV}: “{day.decode()[:20]}” is no day."
            else:
                self._found["by_week"][week] += number


FIRST_DAY = "1900-01-01"  # no list on paper is older


def week_of(day: str) -> str | None:
    """Returns the ISO week of a day, nothing for no day, None for what is no day."""
    if not day:
        return ""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return None
    year, week, _ = found.isocalendar()
    return f"{year:04}-W{week:02}" if found.isoformat() == day >= FIRST_DAY else None


# ---- the checks ----


# What a person can expect, in the words of a fault.
EXPECTED = {
    "digest": "the digest of the statement", "edition": "the digest of files.json", "key": "the key",
    "auditor_key": "the auditor's key", "receipt": "the receipt",
}  # fmt: skip


class Expected:
    """What the person who checks knows from elsewhere: the printed letter, the page, an earlier delivery.

    Checks ask for it by `take`. What none of them asked for is a fault: nobody may read “whole” and believe that it was
    compared.
    """

    def __init__(
        self, *, digest: str = "", edition: str = "", key: str = "", auditor_key: str = "", receipt: bytes = b""
    ) -> None:
        self.digest, self.edition, self.key, self.receipt = digest, edition, key, receipt
        self.auditor_key = auditor_key
        self._taken: set[str] = set()

    def take(self, name: str) -> Any:
        """Returns what is expected, for somebody who compares it."""
        self._taken.add(name)
        return getattr(self, name)

    def compare(self, name: str, there: str | None) -> Iterator[str]:
        """Returns the fault if something else is expected than is there."""
        if self.take(name) and self.take(name) != there:
            where = " in the statement" if name == "key" else ""
            yield f"The {EXPECTED[name].partition(' ')[2]}{where} is not the one that you expect."

    def not_taken(self, *, is_receipt: bool) -> Iterator[str]:
        """Returns a fault for each that nothing was compared with."""
        why = " A receipt alone holds no signature and no files.json: check it with its package." if is_receipt else ""
        for name, words in EXPECTED.items():
            if getattr(self, name) and name not in self._taken:
                yield f"Nothing was compared with {words} that you gave.{why}"


class Result:
    """What was found."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.blanked = 0
        self.statement: dict[str, Any] | None = None
        self.files: dict[str, Any] | None = None
        self.digest = self.edition = ""
        self.receipt: dict[str, Any] | None = None

    @property
    def code(self) -> int:
        return NOT_WHOLE if self.faults else BLANKED if self.blanked else WHOLE

    @property
    def verdict(self) -> str:
        if self.faults:
            return "Not whole."
        return f"Whole, but {self.blanked} blanked with record." if self.blanked else "Whole."


def check(path: Path, expected: Expected, progress: Progress = lambda _bytes: None) -> Result:
    """Checks a package, a folder or a receipt. `progress` gets the bytes read: up to twice the size of the file."""
    result = Result()
    try:
        if path.is_dir():
            parts = read_folder(path, progress, result)
            _check_parts(parts, None, expected, progress, result)
        else:
            with path.open("rb") as file:
                start = file.read(4096).lstrip()
                if start[:1] == b"{":
                    file.seek(0)
                    check_receipt(file.read(MAX_JSON + 1), expected, result)
                else:
                    archive = Archive(file, progress)
                    result.faults = archive.faults
                    _check_parts(archive.parts, archive, expected, progress, result)
        result.faults += expected.not_taken(is_receipt=result.files is None)
    except Fault as fault:
        result.faults.append(str(fault))
    except OSError as error:
        result.faults.append(f"{path} cannot be read: {error.strerror}.")
    return result


def check_receipt(data: bytes, expected: Expected, result: Result) -> None:
    """Checks that the row of a receipt is a leaf of the list that its statement speaks of."""
    receipt = parse_json(data, "receipt")
    check_form(receipt, FORM_OF_RECEIPT, "receipt")
    statement = receipt["statement"]
    result.receipt, result.statement = receipt, statement
    result.digest = hashlib.sha256(canonical(statement, "receipt")).hexdigest()
    result.faults += check_statement(statement, "receipt")
    leaf = leaf_of(bytes.fromhex(receipt["salt"]), receipt["row"])
    path = [bytes.fromhex(sibling) for sibling in receipt["path"]]
    root = root_of_path(leaf, receipt["place"], statement["list"]["leaves"], path)
    if root is None or root.hex() != statement["list"]["root"]:
        result.faults.append("receipt: its row, salt and path do not lead to the root in its statement.")
    result.faults += expected.compare("digest", result.digest)


def _check_parts(
    parts: dict[str, Part], archive: Archive | None, expected: Expected, progress: Progress, result: Result
) -> None:
    for name in (STATEMENT, FILES):
        if name not in parts:
            raise Fault(f"{name}: it is missing.")
    result.digest, result.edition = parts[STATEMENT].sha256, parts[FILES].sha256
    statement = read_canonical(parts[STATEMENT].read(), STATEMENT, FORM_OF_STATEMENT)
    files = read_canonical(parts[FILES].read(), FILES, FORM_OF_FILES)
    result.statement, result.files = statement, files
    result.faults += check_statement(statement, STATEMENT)
    if archive is not None:
        result.faults += _check_archive(archive, statement)
    result.faults += _check_files(parts, statement, files, ordered=archive is not None)
    result.faults += _check_texts(parts, statement)
    result.faults += _check_signatures(parts, statement, files)
    result.faults += check_countersignature(parts, expected.take("auditor_key"), result.notes)
    result.faults += check_time_stamp(parts, result.notes)
    if CSV in parts and LEAVES in parts:
        rows, leaves = Lines(parts[CSV], CSV, progress), Lines(parts[LEAVES], LEAVES, progress)
        entries = Entries(rows, leaves, files["erasures"])
        try:
            entries.read()
        finally:
            result.faults += entries.faults
        result.faults += entries.check_counts(statement)
        result.blanked = entries.blanked
    for name, there in (("digest", result.digest), ("edition", result.edition), ("key", statement["key"])):
        result.faults += expected.compare(name, there)
    if receipt := expected.take("receipt"):
        own = Result()
        try:
            check_receipt(receipt, Expected(), own)
        except Fault as fault:
            own.faults.append(str(fault))
        result.faults += own.faults or ([] if own.digest == result.digest else ["receipt: it is of another delivery."])
        result.receipt = None if own.faults or own.digest != result.digest else own.receipt


def _check_archive(archive: Archive, statement: dict[str, Any]) -> Iterator[str]:
    folder = f"{statement['letter']['slug']}-{statement['number']}"
    if archive.folder != folder:
        yield f"The folder is called “{archive.folder[:MAX_PATH]}”, and must be “{folder}”."
    at = _time(statement["frozen_at"])
    time = (at.hour << 11 | at.minute << 5 | at.second // 2, (at.year - 1980) << 9 | at.month << 5 | at.day)
    if archive.time != time:
        yield "The files in the ZIP do not carry the time at which the list was frozen."


def _check_files(
    parts: dict[str, Part], statement: dict[str, Any], files: dict[str, Any], *, ordered: bool
) -> Iterator[str]:
    signed = statement["key"] is not None
    names = [PDF, CSV, LEAVES, *(text["file"] for text in statement["texts"]), STATEMENT]
    names += [STATEMENT_SIGNATURE] if signed else []
    names += [name for name in (COUNTERSIGNATURE, TIME_STAMP) if name in parts]
    names += [FILES, *([FILES_SIGNATURE] if signed else []), *PROGRAMS]
    missing, unknown = [name for name in names if name not in parts], [name for name in parts if name not in names]
    yield from (f"{name}: it is missing." for name in missing)
    yield from (f"{name}: it does not belong into the package." for name in sorted(unknown))
    if ordered and not missing and not unknown and list(parts) != names:
        yield "The files are not in the order of a package."
    if files["statement"] != parts[STATEMENT].sha256:
        yield f"{FILES}: it belongs to another statement."
    yield from _check_order_in_time(statement["frozen_at"], files)
    listed, digests = [name for name in names if name not in (FILES, FILES_SIGNATURE)], files["files"]
    yield from (f"{name}: {FILES} does not list it." for name in listed if name not in digests)
    yield from (
        f"{FILES}: it lists “{name[:MAX_PATH]}”, which is no file of it."
        for name in sorted(digests)
        if name not in listed
    )
    for name in listed:
        if name in parts and name in digests and parts[name].sha256 != digests[name]:
            yield f"{name}: it is not the file that {FILES} lists."


def _check_order_in_time(frozen_at: str, files: dict[str, Any]) -> Iterator[str]:
    made_at = files["made_at"]
    if made_at < frozen_at:
        yield f"{FILES}: it was made before the list was frozen."
    for record in files["erasures"]:
        if not frozen_at[:10] <= record["at"][:10] <= made_at[:10]:  # the day alone is recorded
            yield f"{FILES}: place {record['place']} was not erased between the freezing and the making of the files."


def _check_texts(parts: dict[str, Part], statement: dict[str, Any]) -> Iterator[str]:
    for text in statement["texts"]:
        if text["file"] in parts and parts[text["file"]].sha256 != text["sha256"]:
            yield f"{text['file']}: it is not the text that the statement speaks of."


def _check_signatures(parts: dict[str, Part], statement: dict[str, Any], files: dict[str, Any]) -> Iterator[str]:
    key = statement["key"]
    both = ((STATEMENT, STATEMENT_SIGNATURE, statement["frozen_at"]), (FILES, FILES_SIGNATURE, files["made_at"]))
    for name, signature, at in both:
        if key is not None and signature in parts:
            try:
                found = Minisign(parts[signature].read(), signature)
            except Fault as fault:
                yield str(fault)
                continue
            trusted = f"timestamp:{int(_time(at).timestamp())}\tfile:{name}\tprehashed"
            fault_of_it = found.fault(parts[name], name, key)
            if fault_of_it:
                yield fault_of_it
            elif found.trusted != trusted or found.untrusted != "signature from minisign secret key":
                yield f"{signature}: its comments are not those of this file."


def check_countersignature(parts: dict[str, Part], auditor_key: str, notes: list[str]) -> Iterator[str]:
    """Returns the faults of an auditor's signature on the statement. A note goes to the others, if there is none."""
    if COUNTERSIGNATURE not in parts:
        if auditor_key:
            yield f"{COUNTERSIGNATURE}: it is missing."
        return
    try:
        found = Minisign(parts[COUNTERSIGNATURE].read(), COUNTERSIGNATURE)
    except Fault as fault:
        yield str(fault)
        return
    if not auditor_key:
        notes.append(
            f"A countersignature is there, by the key {found.key_id[::-1].hex().upper()}. Check it with the auditor's "
            f"own key: --auditor-key KEY, or minisign -Vm {STATEMENT} -x {COUNTERSIGNATURE} -P KEY"
        )
    elif not _is_key(auditor_key):
        yield "The auditor's key that you gave is no public key of minisign."
    elif wrong := found.fault(parts[STATEMENT], STATEMENT, auditor_key):
        yield wrong
    else:
        notes.append(f"The auditor whose key you gave signed the statement, with the comment “{found.trusted}”.")


def check_time_stamp(parts: dict[str, Part], notes: list[str]) -> Iterator[str]:
    """Returns the fault if the time stamp is of something else. A note goes to the others, if it is not."""
    if TIME_STAMP in parts:
        digest = bytes.fromhex(parts[STATEMENT].sha256)
        stamp = parts[TIME_STAMP].read()
        sha256 = bytes.fromhex("0609608648016503040201")  # its object identifier
        if not any(sha256 + null + b"\4\x20" + digest in stamp for null in (b"\5\0", b"")):
            yield f"{TIME_STAMP}: it is not a time stamp of this statement."
        else:
            notes.append(
                "A time stamp is there, of this statement. Check who made it with the authority's certificate: "
                f"openssl ts -verify -data {STATEMENT} -in {TIME_STAMP} -CAfile CERTIFICATE"
            )


# ---- what a person reads ----


def describe(result: Result, expected: Expected) -> Iterator[str]:
    """Returns the lines of a report: what it is, what to compare, what nobody can prove, faults, verdict."""
    statement = result.statement
    if statement is not None:
        yield from _describe_statement(statement, is_package=result.files is not None)
    if result.receipt is not None and not result.faults:
        row = result.receipt["row"]
        leaves = result.receipt["statement"]["list"]["leaves"]
        yield f"The receipt proves this row, leaf {result.receipt['place'] + 1} of {leaves}:"
        yield "  somebody who is counted only" if row is None else "  " + " | ".join(cell for cell in row if cell)
    yield from result.notes
    if statement is not None and not result.faults:
        yield from _what_is_not_proved(statement)
    if result.digest:
        yield f"Digest of the statement: {result.digest}"
        if result.edition:
            yield f"Digest of files.json:    {result.edition}"
        if not expected.digest and not result.faults:
            yield (
                "COMPARE the digest of the statement with the printed letter or the page of the delivery: anybody can "
                "make another package that is whole."
            )
        if result.edition and not expected.edition and statement and not result.faults:
            if not statement["key"]:
                yield "COMPARE the digest of files.json, too: nothing is signed, and it alone covers the following."
            yield (
                "PDF, READ-ME and records of erasures are covered by the digest of files.json, which the page of the "
                "delivery shows, too."
            )
    yield from (f"FAULT: {fault}" for fault in result.faults)
    yield result.verdict


def _describe_statement(statement: dict[str, Any], *, is_package: bool) -> Iterator[str]:
    counts, letter = statement["counts"], statement["letter"]
    yield f"“{letter['title']}”, to {letter['recipient']}"
    yield f"Delivery {statement['number']} by {statement['organization']['name']}, frozen at {statement['frozen_at']}"
    signatures = "signature" if counts["delivered"] == 1 else "signatures"
    yield f"{counts['delivered']} {signatures}: {counts['named']} named, {counts['counted_only']} counted only"
    if not statement["key"]:
        yield "Signed with no key"
    elif is_package:
        yield f"Signed with the key {statement['key']}"
    else:
        yield f"It names the key {statement['key']}. A receipt holds no signature."


def _what_is_not_proved(statement: dict[str, Any]) -> Iterator[str]:
    yield "The organization's word only:"
    yield "  that the names are true, and that each is another person's;"
    if statement["counts"]["counted_only"] == 1:
        yield "  that the 1 who is counted only exists: that leaf says no more;"
    else:
        yield f"  that the {statement['counts']['counted_only']} who are counted only exist: their leaves say no more;"
    of_one_revision = {(text["language"], text["revision"]) for text in statement["texts"]}
    if len(of_one_revision) < len(statement["texts"]):
        yield "  which of several texts in one language and revision each signature is of: a row names these two alone;"
    yield "  how signatures were confirmed and looked at, flags, decisions, and who waited, withdrew or was rejected;"
    yield "  that nobody who signed was left out: who signed can tell, with a receipt."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the package: a ZIP or its unpacked folder; or a receipt")
    parser.add_argument("--digest", type=hex_digest, help="SHA-256 of the statement, as printed and published")
    parser.add_argument("--edition", type=hex_digest, help="SHA-256 of files.json, as the page shows it")
    parser.add_argument("--key", default="", help="the public key that must be in the statement")
    parser.add_argument("--auditor-key", default="", help="the public key of the auditor who must have countersigned")
    parser.add_argument("--receipt", type=Path, help="a receipt that must belong to the package")


def hex_digest(text: str) -> str:
    """Returns the digest as typed from paper: with spaces, in groups, in capitals."""
    found = "".join(text.split()).replace(":", "").lower()
    if not _is_digest(found):
        raise argparse.ArgumentTypeError("a digest has 64 hexadecimal digits")
    return found


def run(options: dict[str, Any], write: Report, errors: IO[str]) -> int:
    """Checks what the options of `add_arguments` name, and writes the report. Returns the exit code."""
    path: Path = options["file"]
    receipt: Path | None = options["receipt"]
    expected = Expected(
        digest=options["digest"] or "", edition=options["edition"] or "", key=options["key"],
        auditor_key=options["auditor_key"],
    )  # fmt: skip
    try:
        if receipt is not None:
            with receipt.open("rb") as file:
                expected.receipt = file.read(MAX_JSON + 1)
    except OSError as error:
        write(f"FAULT: {receipt} cannot be read: {error.strerror}.")
        write("Not whole.")
        return NOT_WHOLE
    result = check(path, expected, _progress_on(errors, path))
    for line in describe(result, expected):
        write(printable(line))
    return result.code


# Invisible, and yet in names: spaces, joiners, and the separator before the last vowel of a Mongolian word.
NEEDED = "\u00a0\u180e\u200c\u200d\u3000"


def printable(line: str) -> str:
    """Returns the line without control characters, which could repaint a terminal."""
    return "".join(character if character.isprintable() or character in NEEDED else "\ufffd" for character in line)


def _progress_on(errors: IO[str], path: Path) -> Progress:
    if not errors.isatty() or not path.is_file():
        return lambda _bytes: None
    total, done, shown = max(1, path.stat().st_size), 0, -1

    def progress(number: int) -> None:
        nonlocal done, shown
        done += number
        if done * 100 // total // 2 != shown:
            shown = min(100, done * 100 // total)
            errors.write(f"\r{shown} % read\r")

    return progress


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="check.py", description=(__doc__ or "").split("\n", 1)[0])
    add_arguments(parser)
    options = vars(parser.parse_args(None if arguments is None else list(arguments)))
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")

    return run(options, print, sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
