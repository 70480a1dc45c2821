"""What a delivered document is made of: plain data, so that the craft knows no row of the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypedDict


class Span(TypedDict):
    text: str
    emphasis: bool
    strong: bool


class TextBlock(TypedDict):
    kind: Literal["paragraph", "quote"]
    spans: list[Span]


class ListBlock(TypedDict):
    kind: Literal["list"]
    ordered: bool
    items: list[list[Span]]


Block = TextBlock | ListBlock


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
    board_title: str = ""  # else the frame's own words


@dataclass(frozen=True)
class Signatory:
    name: str
    titles: list[str]


@dataclass(frozen=True)
class LetterData:
    title: str
    language: str
    date: str
    addressee: list[str]
    salutation: str
    blocks: list[Block]
    closing: str
    signatories: list[Signatory]
    letterhead: Letterhead


@dataclass(frozen=True, slots=True)
class Entry:
    """One who signed.

    `section` is what `section_of` says; entries of one section follow each other. Without a name, the entry was erased
    after the freezing: its number stays, and says so.
    """

    name: str
    role: str = ""
    organization: str = ""
    country: str = ""  # the code
    language: str = ""  # of the page on which it was signed: decides the shapes of Han characters
    section: str = ""
    on_paper: bool = False


def section_of(
    name: str, *, order: str, organization: bool, featured_position: bool, country: str, script_of: Callable[[str], str]
) -> str:
    """Under which heading an entry stands: organizations, featured, everybody else by the letter's order.

    `script_of` is asked for the first letter alone where that will do, so that its answers can be kept.
    """
    if organization:
        return "organizations"
    if featured_position:
        return "featured"
    if order == "name":
        return f"script:{script_of(name[:1] if name[:1].isalpha() else name)}"
    return f"country:{country}" if order == "country" else "others"


@dataclass(frozen=True)
class Counts:
    """How many: `total` is delivered, named here or counted only. What is 0 is not told."""

    total: int
    named: int
    counted_only: int
    waiting: int = 0
    withdrawn: int = 0
    rejected: int = 0
    paper: int = 0
    revisions: Mapping[int, int] = field(default_factory=dict)  # signatures by the number of the text they signed


@dataclass(frozen=True)
class Text:
    revision: int
    language: str
    digest: str


@dataclass(frozen=True)
class Record:
    """What makes a delivery checkable. All of it may be absent, as in an export of the list as it stands."""

    number: int = 0
    frozen_on: date | None = None
    texts: tuple[Text, ...] = ()
    root: str = ""
    errata: int = 0  # names taken back after earlier deliveries
    since: int | None = None  # the delivery before, and what changed since
    added: int = 0
    gone: int = 0
    address: str = ""  # of the public page


@dataclass(frozen=True)
class Options:
    paper: Literal["a4", "us-letter"] = "a4"
    language: str = ""  # of the frame; empty: the letter's, where there is a frame in it
    parts: Literal["all", "letter", "names"] = "all"
    names: Literal["lines", "running"] = "lines"
    draft: bool = False


DEFAULT_OPTIONS = Options()


@dataclass(frozen=True)
class Report:
    pages: int
    names: int
    missing: list[str]  # the code points shown in a box
    standards: list[str]  # "ua-1" is among them unless the document was joined from sets: then it has no tags
