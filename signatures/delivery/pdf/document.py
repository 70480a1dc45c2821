"""What a document is made of, as plain data: this package knows no row of the database."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from campaign.letters.text import Block
from signatures.states import Source


@dataclass(frozen=True)
class BoardMember:
    name: str
    office: str = ""


@dataclass(frozen=True)
class Letterhead:
    name: str
    address: str
    telephone: str
    web: str
    board: list[BoardMember]
    board_title: str = ""  # empty: the wording's own
    logo: bytes = b""  # a PNG


@dataclass(frozen=True)
class Signatory:
    name: str
    titles: list[str]
    image: bytes = b""  # a PNG of the signature by hand


@dataclass(frozen=True, kw_only=True)
class LetterData:
    title: str
    language: str
    revision: int | None = None  # the number of its text; None of one that nobody signs, as on the share image
    date: str = ""
    addressee: list[str]
    salutation: str = ""
    blocks: list[Block]
    closing: str = ""
    signatories: list[Signatory] = field(default_factory=list)
    letterhead: Letterhead


@dataclass(frozen=True, slots=True)
class Entry:
    """One signature.

    `section` is what `section_of` returns; entries of one section follow each other. An entry without a name was erased
    after the freezing: its number stays.
    """

    name: str
    role: str = ""
    organization: str = ""
    country: str = ""  # the code
    language: str = ""  # of the page on which it was signed; decides the shapes of Han characters
    section: str = ""
    source: str = Source.WEB
    is_taken_out: bool = False  # has no name, for another reason than that it was erased


def section_of(
    name: str, *, order: str, is_organization: bool, is_featured: bool, country: str, script_of: Callable[[str], str]
) -> str:
    """Returns the section of an entry: organizations, featured, and all others by the letter's order.

    `script_of` gets only the first letter where that is enough, so that its results can be cached.
    """
    if is_organization:
        return "organizations"
    if is_featured:
        return "featured"
    if order == "name":
        return f"script:{script_of(sorted_by(name))}"
    return f"country:{country}" if order == "country" else "others"


def sorted_by(name: str) -> str:
    """Returns what of a name tells its script and its letter: one character of few, where it begins with a letter.

    A modifier is none (the okina of Hawaiian): then it is the whole name.
    """
    return name[:1] if unicodedata.category(name[:1] or " ") in {"Lu", "Ll", "Lt", "Lo"} else name


@dataclass(frozen=True)
class Counts:
    """The counts of the document. `total` is delivered: named or counted only. A count of 0 is not printed."""

    total: int
    named: int
    counted_only: int
    elsewhere: int = 0  # named in the delivered list, and not in this edition, which has the public names alone
    waiting: int = 0
    withdrawn: int = 0
    rejected: int = 0
    paper: int = 0
    evidence: int = 0  # confirmed by staff
    organizations: int = 0  # of the named ones
    revisions: Mapping[int, int] = field(default_factory=dict)  # signatures by the number of the text they signed


@dataclass(frozen=True)
class Record:
    """What makes a delivery checkable. All of it may be absent, as in an export of the current list."""

    number: int = 0
    organization: str = ""  # that collected, as the statement says; the author of the file
    recipient: str = ""  # as the statement says
    frozen_on: date | None = None
    texts: Sequence[Mapping[str, Any]] = ()  # revision, language, digest, ordinal: see `frozen_texts.each_once`
    digest: str = ""  # of the statement
    errata: Sequence[Mapping[str, int]] = ()  # of earlier deliveries, as the statement has them: delivery, withdrawn, …
    since: int | None = None  # the number of the delivery before, and the changes since
    added: int = 0
    gone: int = 0
    address: str = ""  # of the public page; a QR code leads there
    public_key: str = ""  # by which the statement is signed, in the form of minisign


Paper = Literal["a4", "us-letter"]
PAPERS: dict[str, Paper] = {"a4": "a4", "us-letter": "us-letter"}


@dataclass(frozen=True)
class Options:
    paper: Paper = "a4"
    language: str = ""  # of the wording; empty: the letter's, if there is a wording in it
    parts: Literal["all", "letter", "names"] = "all"
    names: Literal["lines", "running"] = "lines"
    draft: bool = False
    public: bool = False  # has public names alone, and says so in front
    annex: bool = True  # how the signatures were counted, and how to check: may be left out of a printed copy
    volume_pages: int = 0  # several files with at most so many pages each; 0: one file of any size


DEFAULT_OPTIONS = Options()
VOLUME_PAGES = 1_000  # what can still be bound as one book


def volume_path(out: Path, number: int) -> Path:
    """Returns where a volume is written: beside `out`, name-1.pdf, name-2.pdf and so on."""
    return out.with_stem(f"{out.stem}-{number}")


@dataclass(frozen=True)
class Volume:
    """One of several files of a document: its pages, and the numbers of its first and of its last name (0, if none)."""

    pages: int
    first: int
    last: int

    @property
    def names(self) -> int:
        return self.last - self.first + 1 if self.last else 0


@dataclass(frozen=True)
class Report:
    pages: int
    names: int
    missing: list[str]  # code points that are shown in a box
    standards: list[str]  # that the document claims; none if a glyph is missing
    volumes: Sequence[Volume] = ()  # empty: one file
