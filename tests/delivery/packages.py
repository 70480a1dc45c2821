"""Writes packages of format 2 from plain values, without the product's code: what it makes is consistent, or forged.

Each step can be bent on its way: the draft, the statement, the files, their list, what is signed, and the ZIP. All that
follows from a bent step is made to fit it, as a forger would.
"""

import base64
import hashlib
import json
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from nacl.signing import SigningKey

PROGRAMS = {"check.py": b"# a checker\n", "check.html": b"<!doctype html>\n", "READ-ME.txt": b"Read me.\n"}
TEXTS = {"texts/en.txt": b"Open the bridge.\n", "texts/ko.txt": "다리를 열어 주십시오.\n".encode()}
PEOPLE = [
    ["organization", "Bread and Roses", "", "", "", "2026-05-01", "en", "1", "web"],
    ["person", 'Ada "the Countess" Lovelace, FRS', "=1+1", "'@home, \\ at last", "GB", "2026-05-02", "en", "1", "web"],
    ["person", "'=1+1", "'it is", "'", "", "2026-05-02", "en", "1", "evidence"],
    ["person", "\u3000=1", "＠home", "-", "", "2026-05-02", "ko", "1", "web"],
    ["person", "김철수", "", "", "KR", "2026-05-03", "ko", "1", "paper"],
    ["person", "Zoë Müller-Ångström", "", "", "DE", "2026-01-01", "en", "1", "web"],
    ["person", "\tTab", "a\tb", "", "", "2026-05-03", "en", "1", "web"],
]
MONGOLIAN = "ᠰᠠᠷᠠ\u180eᠠ"  # with its separator before the last vowel
SCRIPTS = [
    "Ольга Ковальова", "Ελένη Παππά", "דנה לוי", "محمد الأمين", "ཚེ་རིང་", MONGOLIAN, "अनीता शर्मा", "สมชาย ใจดี",
    "さくら 髙橋", "王小明", "𠮷野家", "ߒߞߏ", "𞤀𞤣𞤤𞤢𞤥", "ܐܒܪܗܡ", "ދިވެހި", "ᏣᎳᎩ", "ⵜⵉⴼⵉⵏⴰⵖ", "ꆈꌠ", "ꓡꓲꓢꓴ", "ꦗꦮ", "Նարե", "ნინო",
    "አበበ", "ខ្មែរ", "မြန်မာ", "ລາວ", "தமிழ்",
]  # fmt: skip
# Lengths of lines: two tables that may be, and those whose second line is longer than a line may be.
LINES = [
    (5, 1 << 16, 7), (0, 0), (5, (1 << 16) + 1, 7), (1 << 16, (1 << 16) + 1, 1 << 16), (5, 70_000, 7), (5, 131_073, 7),
    (5, 1 << 20, 7), (5, 3 << 20, 7),
]  # fmt: skip
KEY, OTHER_KEY = SigningKey(b"k" * 32), SigningKey(b"o" * 32)
KEY_ID = b"\1\2\3\4\5\6\7\10"


@dataclass(frozen=True)
class Draft:
    """What a delivery is made of."""

    people: list[list[str]] = field(default_factory=lambda: [list(row) for row in PEOPLE])
    counted: int = 3
    number: int = 1
    texts: dict[str, bytes] = field(default_factory=lambda: dict(TEXTS))
    key: SigningKey | None = KEY
    frozen_at: str = "2026-05-04T12:00:02Z"
    made_at: str = "2026-05-04T12:05:00Z"
    reason: str = "made"
    blanked: tuple[int, ...] = ()  # places
    recorded: tuple[int, ...] | None = None  # places; None: those that are blanked
    extra: dict[str, bytes] = field(default_factory=dict)  # countersignature, time stamp
    kinds: tuple[str, ...] | None = None  # of leaves.csv; None: as they are
    guard: bool = True


Change = Callable[[Any], Any]


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "surrogatepass")


def salt(place: int) -> bytes:
    return hashlib.sha256(b"salt %d" % place).digest()


def row(draft: Draft, place: int) -> list[str]:
    return [str(place + 1), *draft.people[place]]


def leaves(draft: Draft) -> list[bytes]:
    named = [
        hashlib.sha256(b"\0" + salt(place) + canonical(row(draft, place))).digest()
        for place in range(len(draft.people))
    ]
    places = range(len(named), len(named) + draft.counted)
    return named + [hashlib.sha256(b"\0" + salt(place) + b"counted").digest() for place in places]


def root(those: list[bytes]) -> bytes:
    """Returns MTH of RFC 9162, as it is written there."""
    if len(those) < 2:
        return those[0] if those else hashlib.sha256(b"").digest()
    half = 1 << (len(those) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(those[:half]) + root(those[half:])).digest()


def path(those: list[bytes], place: int) -> list[bytes]:
    """Returns PATH of RFC 9162, as it is written there."""
    if len(those) < 2:
        return []
    half = 1 << (len(those) - 1).bit_length() - 1
    if place < half:
        return [*path(those[:half], place), root(those[half:])]
    return [*path(those[half:], place - half), root(those[:half])]


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if '"' in text or "," in text else text


def _guarded(text: str) -> str:
    return f"'{text}" if text.lstrip(" \u00a0\u3000")[:1] in {*"=+-@＝＋－＠\t\r\n"} else text


def signatories(draft: Draft) -> bytes:
    lines = ["number,kind,name,role,organization,country,signed_on,language,revision,source"]
    for place in range(len(draft.people)):
        cells = row(draft, place)
        if draft.guard:
            cells[2:5] = map(_guarded, cells[2:5])
        lines.append(f"{place + 1}" + "," * 9 if place in draft.blanked else ",".join(map(_cell, cells)))
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")


def leaves_csv(draft: Draft) -> bytes:
    lines, named = ["number,kind,salt,leaf"], len(draft.people)
    for place, leaf in enumerate(leaves(draft)):
        kind = draft.kinds[place] if draft.kinds else "named" if place < named else "counted"
        number = str(place + 1) if kind == "named" else ""
        lines.append(f"{number},{kind},{'' if place in draft.blanked else salt(place).hex()},{leaf.hex()}")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _count(values: list[str]) -> dict[str, int]:
    return dict(Counter(values))


def _week(day: str) -> str:
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02}"


def public_key(key: SigningKey, key_id: bytes = KEY_ID) -> str:
    return base64.b64encode(b"Ed" + key_id + bytes(key.verify_key)).decode()


def statement(draft: Draft) -> dict[str, Any]:
    named, sources = len(draft.people), _count([person[8] for person in draft.people])
    delivered = named + draft.counted
    by_source = {name: sources.get(name, 0) for name in ("web", "paper", "evidence")}
    return {
        "format": 2, "software": "undersigned 1.0.0",
        "organization": {"name": "Friends of the Bridge", "contact": "office@bridge.example"},
        "site": "https://bridge.example",
        "letter": {"slug": "bridge", "title": "Open the bridge", "recipient": "the Mayor"},
        "number": draft.number, "frozen_at": draft.frozen_at, "order": "alphabetical",
        "texts": [
            {"language": name[6:-4].partition("-")[0], "revision": 1, "authoritative": name == "texts/en.txt",
             "sha256": hashlib.sha256(text).hexdigest(), "file": name}
            for name, text in draft.texts.items()
        ],
        "method": {"moderation": "before",
                   "confirmed": {"email": by_source["web"] + draft.counted, "paper": by_source["paper"],
                                 "evidence": by_source["evidence"]},
                   "looked_at": min(2, delivered)},
        "counts": {
            "delivered": delivered, "named": named, "counted_only": draft.counted, "waiting": 1, "withdrawn": 2,
            "rejected": 4, "public_count": delivered + 1,
            "organizations": sum(person[0] == "organization" for person in draft.people), "by_source": by_source,
            "by_revision": _count([person[7] for person in draft.people]),
            "by_language": _count([person[6] for person in draft.people]),
            "by_country": _count([person[4] for person in draft.people]),
            "by_week": _count([_week(person[5]) for person in draft.people]),
            "by_flag": {"formula": min(2, delivered)} if delivered else {}, "by_decision": {"approved": 2},
        },
        "since_last": None, "errata": [], "previous": None,
        "list": {"root": root(leaves(draft)).hex(), "leaves": delivered},
        "key": public_key(draft.key) if draft.key else None,
    }  # fmt: skip


def _unix(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())


def minisign(data: bytes, key: SigningKey, trusted: str, key_id: bytes = KEY_ID) -> bytes:
    """Returns the signature file of these bytes, prehashed, as minisign writes it."""
    signature = key.sign(hashlib.blake2b(data).digest()).signature
    over_all = key.sign(signature + trusted.encode()).signature
    first, second = (base64.b64encode(each).decode() for each in (b"ED" + key_id + signature, over_all))
    comment = "untrusted comment: signature from minisign secret key"
    return f"{comment}\n{first}\ntrusted comment: {trusted}\n{second}\n".encode()


def erasures(draft: Draft) -> list[dict[str, Any]]:
    named, places = len(draft.people), draft.blanked if draft.recorded is None else draft.recorded
    at = f"{draft.made_at[:10]}T00:00:00Z"  # the day alone
    return [
        {"place": place, "number": place + 1 if place < named else None, "at": at, "erratum": 1} for place in places
    ]


@dataclass(frozen=True)
class Bent:
    """What is changed on the way, each with all that follows from it. Changes work in place, or return the new value."""

    draft: Change | None = None
    statement: Change | None = None  # the object
    statement_bytes: Change | None = None
    contents: Change | None = None  # the files, before they are listed
    files: Change | None = None  # files.json, the object
    files_bytes: Change | None = None
    signed: Change | None = None  # all files, when all is signed
    zipped: Change | None = None  # the bytes of the ZIP
    header: Change | None = None  # of each file in the ZIP, as keyword arguments of `entry`
    signs_files: bool = True  # the forger has no key: the signature of files.json stays the honest one


def _bend(change: Change | None, value: Any) -> Any:
    found = change(value) if change else None
    return value if found is None else found


def files_of(draft: Draft, bent: Bent | None = None) -> dict[str, bytes]:
    """Returns the files of the package in their order."""
    bent = bent or Bent()
    draft = _bend(bent.draft, draft)
    claims = _bend(bent.statement, statement(draft))
    stated = _bend(bent.statement_bytes, canonical(claims))
    contents = {
        "letter-with-signatories.pdf": b"%PDF-1.7\n%%EOF\n", "signatories.csv": signatories(draft),
        "leaves.csv": leaves_csv(draft), **draft.texts, "statement.json": stated,
    }  # fmt: skip
    if draft.key:
        trusted = f"timestamp:{_unix(claims['frozen_at'])}\tfile:statement.json\tprehashed"
        contents["statement.json.minisig"] = minisign(stated, draft.key, trusted)
    contents |= draft.extra
    contents = _bend(bent.contents, contents | PROGRAMS)
    listed = {
        "format": 2, "statement": hashlib.sha256(contents.get("statement.json", b"")).hexdigest(), "edition": 1,
        "made_at": draft.made_at, "reason": "erased" if draft.blanked else draft.reason, "erasures": erasures(draft),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }  # fmt: skip
    listing = _bend(bent.files_bytes, canonical(_bend(bent.files, listed)))
    done: dict[str, bytes] = {}
    for name, content in contents.items():
        if name == "check.py":
            done["files.json"] = listing
            if draft.key:
                trusted = f"timestamp:{_unix(draft.made_at)}\tfile:files.json\tprehashed"
                done["files.json.minisig"] = minisign(listing, draft.key, trusted)
        done[name] = content
    if not bent.signs_files:
        done["files.json.minisig"] = files_of(draft)["files.json.minisig"]
    found: dict[str, bytes] = _bend(bent.signed, done)
    return found


def package(draft: Draft, bent: Bent | None = None) -> bytes:
    """Returns the ZIP."""
    bent = bent or Bent()
    files = files_of(draft, bent)
    draft = _bend(bent.draft, draft)
    found: bytes = _bend(bent.zipped, zip_of({f"bridge-{draft.number}/{name}": files[name] for name in files},
                                             draft.frozen_at, bent.header))  # fmt: skip
    return found


def zip_of(files: dict[str, bytes], at: str, bend: Change | None = None) -> bytes:
    moment = datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007  # a ZIP knows no time zones
    time = moment.hour << 11 | moment.minute << 5 | moment.second // 2
    day = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
    body, directory = b"", b""
    for name, content in files.items():
        header = {"name": name, "content": content, "method": 0, "time": time, "day": day}
        if bend:
            bend(header)
        encoded, packed = name.encode(), content
        if header["method"]:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = packer.compress(content) + packer.flush()
        common = (
            20, 0, header["method"], header["time"], header["day"], zlib.crc32(content), len(packed), len(content),
            len(encoded),
        )  # fmt: skip
        directory += (
            struct.pack("<4s6H3L5H2L", b"PK\1\2", 788, *common, 0, 0, 0, 0, 0o100644 << 16, len(body)) + encoded
        )
        body += struct.pack("<4s5H3L2H", b"PK\3\4", *common, 0) + encoded + packed
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return body + directory + end


def receipt(draft: Draft, place: int) -> dict[str, Any]:
    is_named = place < len(draft.people)
    return {
        "format": 2, "statement": statement(draft), "place": place, "row": row(draft, place) if is_named else None,
        "salt": salt(place).hex(), "path": [sibling.hex() for sibling in path(leaves(draft), place)],
    }  # fmt: skip


def many(number: int) -> Draft:
    """Returns a draft with so many people, in all scripts."""
    people = [
        ["person", f"{SCRIPTS[at % len(SCRIPTS)]} {at}", "", "", "KR" if at % 2 else "", "2026-05-01", "en", "1", "web"]
        for at in range(number)
    ]
    return replace(Draft(), people=people, counted=0)
