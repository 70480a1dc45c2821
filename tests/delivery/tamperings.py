"""Forged packages, each by its name with the sentence that must refuse it, and honest ones that must be accepted."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nacl.signing import SigningKey

from tests.delivery import packages
from tests.delivery.packages import KEY, OTHER_KEY, Bent, Draft, canonical, files_of, minisign, package, public_key

DRAFT, KEYLESS = Draft(), replace(Draft(), key=None)
OTHER = replace(DRAFT, number=2, people=DRAFT.people[:-1], made_at="2026-05-05T00:00:00Z")
PDF, CSV, LEAVES = "letter-with-signatories.pdf", "signatories.csv", "leaves.csv"
STATEMENT, FILES, SIGNATURE = "statement.json", "files.json", "statement.json.minisig"
COUNTERSIGNATURE = "statement.json.auditor.minisig"
NOT_BETWEEN = "files.json: place {} was not erased between the freezing and the making of the files."
CHANGED = "The digest of the statement is not the one that you expect."


@dataclass(frozen=True)
class Case:
    """A package or a receipt, and what a checker must say of it."""

    name: str
    make: Callable[[], bytes]
    fault: str = ""
    code: int = 1
    compares: str = ""  # what the person who checks knows of the honest package: digest, edition, key, auditor_key
    given: str = ""  # what they give in its place
    receipt: Callable[[], bytes] | None = None  # checked together with the package
    is_typed_after: bool = False  # on the page check.html: what is compared, after the file was chosen

    @property
    def expected(self) -> dict[str, str]:
        """What the person who checks knows of the honest delivery, as the arguments of `check.Expected`."""
        honest = files_of(KEYLESS if self.compares == "edition" else DRAFT)
        known = {
            "digest": lambda: hashlib.sha256(honest[STATEMENT]).hexdigest(),
            "edition": lambda: hashlib.sha256(honest[FILES]).hexdigest(),
            "key": lambda: public_key(KEY),
            "auditor_key": lambda: public_key(OTHER_KEY, b"auditor!"),
        }
        return {self.compares: self.given or known[self.compares]()} if self.compares else {}


def forged(name: str, fault: str, bent: Bent, draft: Draft = DRAFT, compares: str = "") -> Case:
    return Case(name, lambda: package(draft, bent), fault, compares=compares)


def in_file(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    """Returns a change of one place in one file."""

    def change(files: dict[str, bytes]) -> None:
        assert old in files[name], f"{old!r} is in {name}"
        files[name] = files[name].replace(old, new, 1)

    return change


def setting(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Returns a change of one value, by its keys with dots between them."""

    def change(found: dict[str, Any]) -> None:
        *keys, last = path.split(".")
        for key in keys:
            found = found[int(key)] if isinstance(found, list) else found[key]
        found[last] = value

    return change


def _both(*changes: Callable[[Any], Any]) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for each in changes:
            each(value)

    return change


def _row_line(number: int) -> bytes:
    return packages.signatories(DRAFT).split(b"\r\n")[number]


def _leaf_line(number: int) -> bytes:
    return packages.leaves_csv(DRAFT).split(b"\r\n")[number]


def _move_to_end(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: files.pop(name)})


def _swap(name: str, first: bytes, second: bytes) -> Callable[[dict[str, bytes]], None]:
    return _both(in_file(name, first, b"\0"), in_file(name, second, first), in_file(name, b"\0", second))


def _resigned(key: Any, key_id: bytes = packages.KEY_ID) -> Callable[[dict[str, bytes]], None]:
    trusted = f"timestamp:{packages._unix(DRAFT.frozen_at)}\tfile:statement.json\tprehashed"
    return lambda files: files.update({SIGNATURE: minisign(files[STATEMENT], key, trusted, key_id)})


def _other_bit(files: dict[str, bytes]) -> None:
    lines = files[SIGNATURE].split(b"\n")
    signature = bytearray(base64.b64decode(lines[1]))
    signature[40] ^= 1
    lines[1] = base64.b64encode(signature)
    files[SIGNATURE] = b"\n".join(lines)


def _as_other(files: dict[str, bytes]) -> None:
    files[FILES] = files_of(OTHER)[FILES]
    files["files.json.minisig"] = files_of(OTHER)["files.json.minisig"]


def _blank_all(draft: Draft) -> Draft:
    return replace(draft, blanked=tuple(range(500)), recorded=())


def stamp(digest: bytes) -> bytes:
    """Returns the heart of a time stamp: algorithm and digest."""
    return bytes.fromhex("3031300d060960864801650304020105000420") + digest


def time_stamp(draft: Draft) -> bytes:
    """Returns the heart of a time stamp of this draft's statement: algorithm and digest."""
    return stamp(hashlib.sha256(files_of(draft)[STATEMENT]).digest())


def _receipt(draft: Draft, place: int, change: Callable[[Any], Any] | None = None) -> bytes:
    found = packages.receipt(draft, place)
    if change:
        change(found)
    return canonical(found)


def _csv_line_ends(name: str) -> Bent:
    return Bent(contents=lambda files: files.update({name: files[name].replace(b"\r\n", b"\n")}))


def _erratum(delivery: int) -> dict[str, int]:
    return {"delivery": delivery, "withdrawn": 1, "erased": 0, "rejected": 0}


def _text_twice(statement: dict[str, Any]) -> None:
    statement["texts"].append(statement["texts"][0] | {"file": "texts/en-1.txt"})


def _with_text(name: str) -> Draft:
    """Returns the draft with a third text, which its file says is Korean and of revision 1."""
    return replace(DRAFT, texts=DRAFT.texts | {f"texts/{name}.txt": "다리를 열어라.\n".encode()})


CORRECTED = _with_text("ko-1-1")
NO_NAME = "statement.json: “{}” is not the name of one text in the language “ko”."
NOT_COMPARED = (
    "Nothing was compared with {} that you gave. A receipt alone holds no signature and no files.json: check it with its "
    "package."
)
NOT_EARLIER = "statement.json: its errata are not of earlier deliveries, in their order and each once."
NO_GUARD = "signatories.csv, line 3: a cell begins like a formula, and its guard is missing."
NOT_ITS_LEAF = "signatories.csv, line {}: row and salt do not give the leaf of number {}."
NO_ROW = "signatories.csv, line {}: it is not written as a row of 10 cells."
NOT_CANONICAL = "statement.json: it is not written in the one canonical way (RFC 8785)."


def _countersigned(of: Draft, key: SigningKey = OTHER_KEY) -> Draft:
    """Returns the draft with an auditor's signature on the statement of another one, or on its own."""
    signature = minisign(files_of(of)[STATEMENT], key, "seen by the auditor", b"auditor!")
    return replace(DRAFT, extra={COUNTERSIGNATURE: signature})


def with_stray_bit(signature: bytes) -> bytes:
    """Returns a signature file of minisign with the same bytes in a base64 that is not their own one."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    lines = signature.split(b"\n")
    start, last, end = lines[1][:-2], lines[1][-2], lines[1][-1:]
    lines[1] = start + alphabet[alphabet.index(last) + 1 :][:1] + end  # 4 of the 6 bits before "=" count
    assert end == b"=" and base64.b64decode(lines[1]) == base64.b64decode(signature.split(b"\n")[1])
    return b"\n".join(lines)


def _with_role(length: int, start: str = "") -> Draft:
    """Returns the draft with a role of so many characters in its second row."""
    ada = [*DRAFT.people[1][:2], start + "x" * (length - len(start)), *DRAFT.people[1][3:]]
    return replace(DRAFT, people=[DRAFT.people[0], ada, *DRAFT.people[2:]])


def _with_line(length: int) -> Draft:
    """Returns the draft with a second row of so many bytes in the table."""
    longer = length - len(packages.signatories(_with_role(0)).split(b"\r\n")[2])
    return _with_role(longer)


TOO_LONG = "signatories.csv, line 3: it is too long."


TAMPERINGS = [
    # What lies beside the list
    forged("another PDF", f"{PDF}: it is not the file that files.json lists.", Bent(signed=in_file(PDF, b"1.7", b"1.6"))),
    forged("another PDF and a file list that fits", "files.json.minisig: it is not the signature of files.json.",
           Bent(contents=in_file(PDF, b"1.7", b"1.6"), signs_files=False)),
    forged("another PDF and a file list that fits, where there is no key",
           "The digest of files.json is not the one that you expect.",
           Bent(contents=in_file(PDF, b"1.7", b"1.6")), KEYLESS, "edition"),
    forged("another text", "texts/en.txt: it is not the text that the statement speaks of.",
           Bent(contents=in_file("texts/en.txt", b"Open", b"Shut"))),
    forged("another digest of a text", "texts/en.txt: it is not the text that the statement speaks of.",
           Bent(statement=setting("texts.0.sha256", "0" * 64))),
    forged("another text with its digest", CHANGED,
           Bent(draft=lambda draft: replace(draft, texts=draft.texts | {"texts/en.txt": b"Shut it.\n"})), compares="digest"),
    forged("a file more", "extra.txt: it does not belong into the package.",
           Bent(contents=lambda files: files.update({"extra.txt": b"x"}))),
    forged("a file less", "READ-ME.txt: it is missing.", Bent(contents=lambda files: files.pop("READ-ME.txt") and None)),
    forged("no statement", "statement.json: it is missing.", Bent(signed=lambda files: files.pop(STATEMENT) and None)),
    forged("a file that is not listed", "check.py: files.json does not list it.",
           Bent(files=lambda listed: listed["files"].pop("check.py") and None)),
    forged("a listed file that is not there", "files.json: it lists “extra.txt”, which is no file of it.",
           Bent(files=setting("files", {name: hashlib.sha256(content).hexdigest() for name, content
                                        in (files_of(DRAFT) | {"extra.txt": b""}).items()
                                        if name not in {FILES, "files.json.minisig"}}))),
    forged("the file list of another delivery", "files.json: it belongs to another statement.", Bent(signed=_as_other)),
    Case("a receipt alone, of which somebody wants the signature", lambda: _receipt(DRAFT, 1),
         NOT_COMPARED.format("the key"), compares="key"),
    Case("a receipt alone, of which somebody wants the auditor's signature", lambda: _receipt(DRAFT, 1),
         NOT_COMPARED.format("the auditor's key"), compares="auditor_key"),
    Case("a receipt alone, with the digest of the files", lambda: _receipt(KEYLESS, 1),
         NOT_COMPARED.format("the digest of files.json"), compares="edition"),
    # Counts
    forged("another number of names", "statement.json: named is 6, and the list gives 7.",
           Bent(statement=_both(setting("counts.named", 6), setting("counts.counted_only", 4)))),
    forged("counts that do not add up", "statement.json: 11 delivered are not 7 named and 3 counted only.",
           Bent(statement=setting("counts.delivered", 11))),
    forged("another country", "statement.json: by_country of “*” is 0, and the list gives 1.",
           Bent(statement=setting("counts.by_country", {"": 3, "GB": 1, "DE": 2, "FR": 1}))),
    forged("other weeks", "statement.json: by_week of “2026-W18” is 1, and the list gives 6.",
           Bent(statement=setting("counts.by_week", {"2026-W18": 1, "2026-W01": 6}))),
    forged("more people of small countries", "statement.json: by_country of “*” is 1, and the list gives 2.",
           Bent(statement=setting("counts.by_country", {"": 4, "GB": 2, "*": 1}))),
    forged("more people than signed on the page", "statement.json: the public count of 99 fits neither who was delivered "
           "nor who waited.", Bent(statement=setting("counts.public_count", 99))),
    # Two figures of one fact
    forged("fewer confirmed on paper than are named from paper",
           "statement.json: by_source of “paper” is 1, and 0 were confirmed so.",
           Bent(statement=setting("method.confirmed", {"email": 10, "paper": 0, "evidence": 0}))),
    forged("fewer confirmed on evidence than are named on evidence",
           "statement.json: by_source of “evidence” is 1, and 0 were confirmed so.",
           Bent(statement=setting("method.confirmed", {"email": 9, "paper": 1, "evidence": 0}))),
    forged("fewer confirmed by email than are named from the web",
           "statement.json: by_source of “web” is 5, and 4 were confirmed so.",
           Bent(statement=setting("method.confirmed", {"email": 4, "paper": 5, "evidence": 1}))),
    forged("more confirmed than were delivered", "statement.json: 11 were confirmed, and 10 were delivered.",
           Bent(statement=setting("method.confirmed.email", 9))),
    forged("more looked at than were delivered", "statement.json: 11 were looked at, and 10 were delivered.",
           Bent(statement=setting("method.looked_at", 11))),
    forged("a flag on more than were delivered", "statement.json: by_flag of “formula” is 11, and 10 were delivered.",
           Bent(statement=setting("counts.by_flag", {"formula": 11}))),
    forged("errata of this delivery itself", NOT_EARLIER, Bent(statement=setting("errata", [_erratum(1)]))),
    forged("errata of a later delivery", NOT_EARLIER,
           Bent(statement=setting("errata", [_erratum(1), _erratum(3)])), replace(DRAFT, number=2)),
    forged("errata of one delivery twice", NOT_EARLIER,
           Bent(statement=setting("errata", [_erratum(1), _erratum(1)])), replace(DRAFT, number=2)),
    forged("the last delivery is a later one", "statement.json: the last delivery before it is not an earlier one.",
           Bent(statement=setting("since_last", {"delivery": 1, "added": 0, "gone": 0}))),
    forged("more came since the last delivery than were delivered",
           "statement.json: 11 came since the last delivery, and 10 were delivered.",
           Bent(statement=setting("since_last", {"delivery": 1, "added": 11, "gone": 0})), replace(DRAFT, number=2)),
    forged("a delivery before, of which there was none",
           "statement.json: it has the digest of a delivery before it, and says that there was none.",
           Bent(statement=setting("previous", "0" * 64))),
    forged("one text of one revision twice",
           "statement.json: a text of revision 1 in the language “en” is there twice.", Bent(statement=_text_twice)),
    forged("two texts of one revision under one name",
           "statement.json: “texts/ko.txt” is not the name of one text in the language “ko”.",
           Bent(statement=setting("texts.2.file", "texts/ko.txt")), CORRECTED),
    forged("a text that is the 0th of its revision", NO_NAME.format("texts/ko-1-0.txt"), Bent(), _with_text("ko-1-0")),
    forged("a text with a number that is written with a zero", NO_NAME.format("texts/ko-1-01.txt"),
           Bent(), _with_text("ko-1-01")),
    forged("a corrected text under the number of another revision", NO_NAME.format("texts/ko-2-1.txt"),
           Bent(), _with_text("ko-2-1")),
    forged("another earlier text", "texts/ko-1-1.txt: it is not the text that the statement speaks of.",
           Bent(contents=in_file("texts/ko-1-1.txt", "다리".encode(), "문".encode())), CORRECTED),
    Case("a receipt with more organizations than names",
         lambda: _receipt(DRAFT, 1, setting("statement.counts.organizations", 8)),
         "receipt: 8 are organizations, and 7 are named."),
    Case("a receipt whose statement contradicts itself",
         lambda: _receipt(DRAFT, 1, setting("statement.method.confirmed", {"email": 10, "paper": 0, "evidence": 0})),
         "receipt: by_source of “paper” is 1, and 0 were confirmed so."),
    forged("a truth where a number must be", "statement.json: “method.confirmed.paper” is not what format 2 allows there.",
           Bent(statement=setting("method.confirmed.paper", True))),
    forged("less than nobody", "statement.json: “counts.by_source.evidence” is not what format 2 allows there.",
           Bent(statement=setting("counts.by_source.evidence", -1))),
    forged("a flag on nobody", "statement.json: “counts.by_flag” is not what format 2 allows there.",
           Bent(statement=setting("counts.by_flag", {"formula": 0}))),
    # Dates and the list
    forged("another time of freezing", "The files in the ZIP do not carry the time at which the list was frozen.",
           Bent(statement=setting("frozen_at", "2026-05-01T12:00:02Z"))),
    forged("another time of freezing everywhere", CHANGED,
           Bent(draft=lambda draft: replace(draft, frozen_at="2026-05-01T12:00:02Z")), compares="digest"),
    forged("500 names blanked without record",
           "leaves.csv, line 2: it is blanked, and files.json has no record of it.",
           Bent(draft=_blank_all), replace(packages.many(500), key=None)),
    forged("5,000 invented people who are counted only", CHANGED,
           Bent(draft=lambda draft: replace(draft, counted=5_000)), compares="digest"),
    forged("invented leaves that no salt explains", "leaves.csv, line 9: this leaf is said to be counted only, and is not.",
           Bent(contents=in_file(LEAVES, _leaf_line(8)[-64:], b"0" * 64))),
    forged("a named person turned into a counted one", "leaves.csv, line 8: this leaf is said to be counted only, and is not.",
           Bent(draft=lambda draft: replace(draft, kinds=("named",) * 6 + ("counted",) * 4))),
    forged("a counted person turned into a named one", "signatories.csv: there is no row of number 8.",
           Bent(draft=lambda draft: replace(draft, kinds=("named",) * 8 + ("counted",) * 2))),
    forged("a name changed", NOT_ITS_LEAF.format(7, 6), Bent(contents=in_file(CSV, "Zoë".encode(), b"Zoe"))),
    forged("paper turned into the web", NOT_ITS_LEAF.format(6, 5),
           Bent(contents=in_file(CSV, b"paper", b"web"),
                statement=_both(setting("counts.by_source", {"web": 6, "paper": 0, "evidence": 1}),
                                setting("method.confirmed", {"email": 9, "paper": 0, "evidence": 1})))),
    forged("two rows changed places", NOT_ITS_LEAF.format(2, 1),
           Bent(contents=_swap(CSV, _row_line(1)[2:], _row_line(2)[2:]))),
    forged("two leaves changed places", "leaves.csv, line 2: it is not in its place; number 1 must be.",
           Bent(contents=_swap(LEAVES, _leaf_line(1), _leaf_line(2)))),
    forged("a row more", "signatories.csv, line 9: this row has no leaf.",
           Bent(contents=lambda files: files.update({CSV: files[CSV] + _row_line(7) + b"\r\n"}))),
    forged("the root of another list", "statement.json: its root is not the root of this list.",
           Bent(statement=setting("list.root", packages.root(packages.leaves(OTHER)).hex()))),
    forged("another number of leaves", "statement.json: the list is said to have 11 leaves, and has 10.",
           Bent(statement=setting("list.leaves", 11))),
    forged("an unknown source", "signatories.csv: “person” and “dove” are no kind and source.",
           Bent(), replace(DRAFT, people=[[*DRAFT.people[1][:8], "dove"]])),
    forged("a day before any list on paper", "signatories.csv: “1899-12-31” is no day.",
           Bent(), replace(DRAFT, people=[["person", "Zoë", "", "", "", "1899-12-31", "en", "1", "paper"]])),
    # Erasures
    forged("a blanked name without record", "leaves.csv, line 6: it is blanked, and files.json has no record of it.",
           Bent(), replace(DRAFT, blanked=(4,), recorded=())),
    forged("a record without a blanked name",
           "files.json: the record of erasure of place 4 is of somebody who is not blanked.",
           Bent(), replace(DRAFT, recorded=(4,))),
    forged("a record of another place", "leaves.csv, line 6: it is blanked, and files.json has no record of it.",
           Bent(), replace(DRAFT, blanked=(4,), recorded=(5,))),
    forged("a record of another number", "files.json: the record of erasure of place 4 has another number.",
           Bent(files=lambda listed: listed["erasures"][0].update(number=1)), replace(DRAFT, blanked=(4,))),
    forged("a record twice",
           "files.json: the records of erasure are not in the order of their places, or one is there twice.",
           Bent(), replace(DRAFT, blanked=(4,), recorded=(4, 4))),
    forged("a blanked leaf whose row has words", "signatories.csv, line 6: the leaf of number 5 is blanked, the row is not.",
           Bent(contents=in_file(CSV, b"5,,,,,,,,,", _row_line(5))), replace(DRAFT, blanked=(4,))),
    forged("a blanked row whose leaf has a salt", NOT_ITS_LEAF.format(6, 5),
           Bent(contents=in_file(CSV, _row_line(5), b"5,,,,,,,,,"))),
    forged("an erasure before the list was frozen", NOT_BETWEEN.format(4),
           Bent(files=setting("erasures.0.at", "1999-01-01T00:00:00Z")), replace(DRAFT, blanked=(4,))),
    forged("an erasure after the files were made", NOT_BETWEEN.format(4),
           Bent(files=setting("erasures.0.at", "2026-05-05T00:00:00Z")), replace(DRAFT, blanked=(4,))),
    forged("files that were made before the list was frozen", "files.json: it was made before the list was frozen.",
           Bent(), replace(DRAFT, made_at="2026-05-04T12:00:01Z")),
    # The auditor's signature
    forged("a countersignature of another statement", f"{COUNTERSIGNATURE}: it is not the signature of statement.json.",
           Bent(), _countersigned(OTHER), compares="auditor_key"),
    forged("a countersignature by somebody else under the auditor's number",
           f"{COUNTERSIGNATURE}: it is not the signature of statement.json.",
           Bent(), _countersigned(DRAFT, KEY), compares="auditor_key"),
    forged("no countersignature, where one is expected", f"{COUNTERSIGNATURE}: it is missing.",
           Bent(), compares="auditor_key"),
    forged("a countersignature with a stray bit behind it",
           f"{COUNTERSIGNATURE}: it is no prehashed signature file of minisign.",
           Bent(contents=lambda files: files.update({COUNTERSIGNATURE: with_stray_bit(files[COUNTERSIGNATURE])})),
           _countersigned(DRAFT)),
    replace(forged("a countersignature, and an auditor's key that is none",
                   "The auditor's key that you gave is no public key of minisign.",
                   Bent(), _countersigned(DRAFT), compares="auditor_key"), given="RWQ"),
    replace(forged("a countersignature of another statement, where the key is typed after the file was chosen",
                   f"{COUNTERSIGNATURE}: it is not the signature of statement.json.",
                   Bent(), _countersigned(OTHER), compares="auditor_key"), is_typed_after=True),
    # How JSON and CSV are written
    forged("a key twice in the statement", "statement.json: the key “number” is there twice.",
           Bent(statement_bytes=lambda data: data.replace(b'"number":1', b'"number":1,"number":1'))),
    forged("a key twice in the file list", "files.json: the key “edition” is there twice.",
           Bent(files_bytes=lambda data: data.replace(b'"edition":1', b'"edition":1,"edition":1'))),
    forged("a reason that no edition has", "files.json: “reason” is not what format 2 allows there.",
           Bent(files=setting("reason", "improved"))),
    forged("NaN", "statement.json: NaN is no number of JSON.",
           Bent(statement_bytes=lambda data: data.replace(b'"waiting":1', b'"waiting":NaN'))),
    forged("an unknown key", "statement.json: the key “counts.angels” is not known in format 2.",
           Bent(statement=setting("counts.angels", 7))),
    forged("a key that is missing", "statement.json: the key “previous” is missing.",
           Bent(statement=lambda found: found.pop("previous") and None)),
    forged("a text where a number must be", "statement.json: “counts.waiting” is not what format 2 allows there.",
           Bent(statement=setting("counts.waiting", "1"))),
    forged("a number with a fraction", "statement.json: the number 1.0 is not written as a whole number of this format.",
           Bent(statement_bytes=lambda data: data.replace(b'"number":1', b'"number":1.0'))),
    forged("a number with a zero before it", "statement.json: it is no JSON.",
           Bent(statement_bytes=lambda data: data.replace(b'"number":1', b'"number":01'))),
    forged("minus zero", "statement.json: the number -0 is not written as a whole number of this format.",
           Bent(statement_bytes=lambda data: data.replace(b'"delivered":10', b'"delivered":-0'))),
    forged("spaces in the statement", NOT_CANONICAL,
           Bent(statement_bytes=lambda data: data.replace(b'"number":1', b'"number": 1'))),
    forged("an escape that is not needed", NOT_CANONICAL,
           Bent(statement_bytes=lambda data: data.replace(b"Open the", b"\\u004fpen the"))),
    forged("half a character", "statement.json: it holds half a character.",
           Bent(statement_bytes=lambda data: data.replace(b"Open the", b"\\ud800pen the"))),
    forged("a statement in Latin-1", "statement.json: it is not in UTF-8.",
           Bent(statement_bytes=lambda data: data.replace(b"Open the", b"\xd6pen the"))),
    forged("rows that end with LF", "signatories.csv, line 1: a line ends otherwise than with CRLF.", _csv_line_ends(CSV)),
    forged("leaves that end with LF", "leaves.csv, line 1: a line ends otherwise than with CRLF.", _csv_line_ends(LEAVES)),
    forged("one row that ends with LF", "signatories.csv, line 4: a line ends otherwise than with CRLF.",
           Bent(contents=in_file(CSV, _row_line(3) + b"\r\n", _row_line(3) + b"\n"))),
    forged("no end of the last row", "signatories.csv: the last line does not end with CRLF.",
           Bent(contents=lambda files: files.update({CSV: files[CSV][:-2]}))),
    forged("a line break inside a cell", NO_ROW.format(6), Bent(contents=in_file(CSV, "김철수".encode(), b'"\r\n"'))),
    forged("a missing guard", NO_GUARD, Bent(draft=lambda draft: replace(draft, guard=False))),
    forged("a guard that is not needed", NOT_ITS_LEAF.format(6, 5),
           Bent(contents=in_file(CSV, "김철수".encode(), "'김철수".encode()))),
    forged("a line of a byte more than a line may have", TOO_LONG, Bent(), _with_line((1 << 16) + 1)),
    forged("a cell that is longer than a line", TOO_LONG, Bent(), _with_role(70_000)),
    forged("a cell that is longer than Python's csv reads", TOO_LONG, Bent(), _with_role(140_000)),
    forged("a quoted cell that is longer than Python's csv reads", TOO_LONG, Bent(), _with_role(140_000, '"')),
    forged("a line of leaves that is longer than any", "leaves.csv, line 2: it is too long.",
           Bent(contents=in_file(LEAVES, b"1,named", b"1" * 70_000 + b",named"))),
    forged("a byte order mark twice", "signatories.csv: the first line is not the one of format 2.",
           Bent(contents=lambda files: files.update({CSV: b"\xef\xbb\xbf" + files[CSV]}))),
    forged("quotes that are not needed", NO_ROW.format(6),
           Bent(contents=in_file(CSV, "김철수".encode(), '"김철수"'.encode()))),
    forged("a row of eleven cells", NO_ROW.format(6), Bent(contents=in_file(CSV, _row_line(5), _row_line(5) + b","))),
    forged("a name that is not in UTF-8", "signatories.csv: it is not in UTF-8.",
           Bent(contents=in_file(CSV, "ë".encode(), b"\xeb"))),
    forged("a salt in capitals", "leaves.csv, line 2: this is not number, kind, salt and leaf.",
           Bent(contents=in_file(LEAVES, packages.salt(0).hex().encode(), packages.salt(0).hex().upper().encode()))),
    forged("a leaf of an unknown kind", "leaves.csv, line 2: this is not number, kind, salt and leaf.",
           Bent(contents=in_file(LEAVES, b"1,named", b"1,maybe"))),
    # The ZIP
    forged("another order of files", "The files are not in the order of a package.", Bent(signed=_move_to_end(LEAVES))),
    forged("a compressed ZIP", f"bridge-1/{PDF}: it is compressed, or its header is not written as in a package.",
           Bent(header=lambda header: header.update(method=8))),
    forged("other times in the ZIP", "The files in the ZIP do not carry the time at which the list was frozen.",
           Bent(header=lambda header: header.update(time=1))),
    forged("another time of one file", "bridge-1/leaves.csv: its header is not written as in a package.",
           Bent(header=lambda header: header.update(time=1) if header["name"].endswith(LEAVES) else None)),
    forged("bytes after the ZIP", "The ZIP goes on after its end.", Bent(zipped=lambda data: data + b"x")),
    forged("bytes before the ZIP", "This is no package: it does not begin as a ZIP of this format does.",
           Bent(zipped=lambda data: b"x" + data)),
    forged("another directory in the ZIP", "The directory at the end of the ZIP is not the one of these files.",
           Bent(zipped=lambda data: data.replace(b"PK\1\2\x14\3", b"PK\1\2\x14\0", 1))),
    forged("a byte that fell over", f"bridge-1/{PDF}: the content does not fit its checksum in the ZIP.",
           Bent(zipped=lambda data: data.replace(b"%PDF-1.7", b"%PDF-1.5", 1))),
    forged("a ZIP that was cut off", f"bridge-1/{PDF}: the ZIP ends in the middle of it.",
           Bent(zipped=lambda data: data[:70])),
    forged("a path that is too long", f"bridge-1/{'x' * 91}: this is no name of a file in the one folder of a package.",
           Bent(signed=lambda files: files.update({"x" * 300: b""}))),
    forged("a path that leads outside", "bridge-1/../x: this is no name of a file in the one folder of a package.",
           Bent(signed=lambda files: files.update({"../x": b""}))),
    forged("another folder", "The folder is called “bridge-1”, and must be “bridge-2”.", Bent(statement=setting("number", 2))),
    # Signatures
    forged("a wrong signature", "statement.json.minisig: it is not the signature of statement.json.",
           Bent(contents=_other_bit)),
    forged("a signature of another key", "statement.json.minisig: it was made with another key.",
           Bent(contents=_resigned(OTHER_KEY, b"another!"))),
    forged("a signature of another key under the same number",
           "statement.json.minisig: it is not the signature of statement.json.", Bent(contents=_resigned(OTHER_KEY))),
    forged("another key everywhere", "The key in the statement is not the one that you expect.",
           Bent(draft=lambda draft: replace(draft, key=OTHER_KEY)), compares="key"),
    forged("another trusted comment", "statement.json.minisig: its trusted comment was changed.",
           Bent(contents=in_file(SIGNATURE, b"timestamp:1", b"timestamp:2"))),
    forged("another untrusted comment", "statement.json.minisig: its comments are not those of this file.",
           Bent(contents=in_file(SIGNATURE, b"signature from", b"greetings from"))),
    forged("a signature file that is none", "statement.json.minisig: it is no prehashed signature file of minisign.",
           Bent(contents=lambda files: files.update({SIGNATURE: b"signed\n"}))),
    forged("a signature where there is no key", "statement.json.minisig: it does not belong into the package.",
           Bent(contents=lambda files: files.update({SIGNATURE: files_of(DRAFT)[SIGNATURE]})), KEYLESS),
    forged("no signature where there is a key", "statement.json.minisig: it is missing.",
           Bent(contents=lambda files: files.pop(SIGNATURE) and None)),
    forged("a time stamp of something else", "statement.tsr: it is not a time stamp of this statement.",
           Bent(), replace(DRAFT, extra={"statement.tsr": stamp(bytes(32))})),
    # Receipts, and what is of another format
    Case("a receipt of another delivery", lambda: package(DRAFT), "receipt: it is of another delivery.",
         receipt=lambda: _receipt(OTHER, 0)),
    Case("a receipt whose name was changed", lambda: _receipt(DRAFT, 0, setting("row", ["1"] * 10)),
         "receipt: its row, salt and path do not lead to the root in its statement."),
    Case("a receipt whose path was cut", lambda: _receipt(DRAFT, 0, lambda found: found["path"].pop() and None),
         "receipt: its row, salt and path do not lead to the root in its statement."),
    Case("a receipt with a key twice", lambda: _receipt(DRAFT, 0).replace(b'"place":0', b'"place":0,"place":0'),
         "receipt: the key “place” is there twice."),
    Case("a receipt of another letter than the printed one", lambda: _receipt(OTHER, 0), CHANGED, compares="digest"),
    Case("a package of format 1",
         lambda: packages.zip_of({PDF: b"%PDF", CSV: b"", LEAVES: b"", "manifest.json": b"{}"}, DRAFT.frozen_at),
         "This is of format 1. It is checked by `manage.py verify_delivery` of Undersigned 0.9, or as its own READ-ME.txt "
         "says."),
    Case("a receipt of format 1", lambda: json.dumps({"format": 1, "letter": "bridge", "root": "00"}).encode(),
         "This is of format 1. It is checked by `manage.py verify_delivery` of Undersigned 0.9, or as its own READ-ME.txt "
         "says."),
    Case("something else", lambda: b"Dear Sir", "This is no package: it does not begin as a ZIP of this format does."),
    Case("nothing", lambda: b"", "This is no package: it does not begin as a ZIP of this format does."),
]  # fmt: skip


def honest(name: str, draft: Draft, code: int = 0, compares: str = "", receipt: int | None = None) -> Case:
    of_place = None if receipt is None else (lambda: _receipt(draft, receipt))
    return Case(name, lambda: package(draft), code=code, compares=compares, receipt=of_place)


def _as_signers_typed() -> Draft:
    return replace(packages.many(len(packages.SCRIPTS)), people=[
        ["person", name, start + name, start, "JP", "2026-12-31", "ko", "1", "web"]
        for name, start in zip(packages.SCRIPTS, ["", "=", " =", "\u3000＋", "'", "'=", "@", '"', "\\", ",", "\t", "－", "\u00a0-",
                                                  "\u2028", "\x7f", "'\t", "''=", "\u3000", '="', "a\\b", "é", "、", "+", "-",
                                                  "＠", "＝", "x"], strict=True)
    ])  # fmt: skip


ACCEPTED = [
    honest("a signed package, compared with the printed digest", DRAFT, compares="digest"),
    honest("a signed package, compared with the known key", DRAFT, compares="key"),
    honest("no key, compared with the digest on the page", KEYLESS, compares="edition"),
    honest("nobody named", replace(DRAFT, people=[])),
    honest("nobody counted only", replace(DRAFT, counted=0)),
    honest("one leaf", replace(DRAFT, people=DRAFT.people[:1], counted=0)),
    honest("no leaf", replace(DRAFT, people=[], counted=0)),
    honest("1,024 leaves", replace(packages.many(1020), counted=4)),
    honest("1,025 leaves", replace(packages.many(1020), counted=5)),
    honest("names in all scripts, guarded against formulas", _as_signers_typed()),
    Case("small countries and weeks together", lambda: package(DRAFT, Bent(statement=_both(
        setting("counts.by_country", {"": 4, "*": 3}), setting("counts.by_week", {"*": 7})))), code=0),
    honest("a line as long as a line may be", _with_line(1 << 16)),
    honest("a quoted cell that is nearly as long", _with_role(65_000, '","""')),
    honest("erased with record", replace(DRAFT, blanked=(1, 4)), 3),
    honest("somebody counted only who is erased with record", replace(DRAFT, blanked=(8,)), 3),
    honest("signed on a page in a language without a text", replace(DRAFT, people=[["person", "Zoë", "", "", "FR", "2026-05-01", "fr", "1", "web"]])),
    honest("a translation that was corrected within its revision", CORRECTED, receipt=4),
    Case("a receipt alone, of a translation that was corrected", lambda: _receipt(CORRECTED, 4), code=0),
    honest("an earlier wording, too", _with_text("ko-1")),
    honest("signed on paper long ago", replace(DRAFT, people=[
        ["person", "Zoë", "", "", "", day, "en", "1", "paper"] for day in ("1900-01-01", "1975-12-31", "1979-12-31")])),
    Case("a second delivery, with errata of the first", lambda: package(replace(DRAFT, number=2), Bent(statement=_both(
        setting("since_last", {"delivery": 1, "added": 10, "gone": 3}), setting("errata", [_erratum(1)]),
        setting("previous", "0" * 64)))), code=0),
    Case("all from paper are named, and some from the web counted only", lambda: package(DRAFT, Bent(
        statement=setting("method.confirmed", {"email": 5, "paper": 3, "evidence": 2}))), code=0),
    honest("countersigned", _countersigned(DRAFT)),
    honest("countersigned, checked with the auditor's key", _countersigned(DRAFT),
           compares="auditor_key"),
    honest("time-stamped", replace(DRAFT, extra={"statement.tsr": time_stamp(DRAFT)})),
    *(honest(f"made anew: {reason}", replace(DRAFT, reason=reason))
      for reason in ("fonts", "address", "time-stamp", "auditor", "letterhead", "remade")),
    honest("with the receipt of a signer", DRAFT, receipt=4),
    honest("with the receipt of somebody who is counted only", DRAFT, receipt=9),
    Case("a receipt alone", lambda: _receipt(DRAFT, 1), code=0),
    Case("a receipt alone, with spaces as an email program leaves them",
         lambda: b"\n " + json.dumps(packages.receipt(DRAFT, 3), indent=1).encode() + b"\n", code=0, compares="digest"),
    Case("the receipt of somebody who is counted only", lambda: _receipt(DRAFT, 8), code=0),
    Case("the receipt of the only leaf", lambda: _receipt(replace(DRAFT, people=[], counted=1), 0), code=0),
]  # fmt: skip
