"""The folder from which Typst makes a document or a part of it: templates, and words and names as JSON."""

import json
import shutil
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import segno

from campaign.letters.languages import describe
from signatures.delivery.pdf.document import Counts, LetterData, Options, Record, Volume
from signatures.delivery.pdf.fonts import FOLDER, by_preference, faces_at_hand, link_fonts
from signatures.delivery.pdf.glyphs import RIGHT_TO_LEFT, Glyphs, han_language_of
from signatures.delivery.pdf.name_list import Run, write_names
from signatures.delivery.pdf.wording import Wording
from signatures.delivery.typesetter.balanced_columns import NAMES_PAGE

TEMPLATES = Path(__file__).parents[3] / "templates" / "pdf"
REGIONS = {"Hans": "CN", "Hant": "TW"}  # typst knows regions, not scripts
SERIF_ENDS = "\u0530"  # typst's own serif draws Latin, Greek and Cyrillic; other scripts are set in sans throughout
Words = Mapping[str, Any]  # of one part more than the document has
NO_WORDS: Words = {}
Range = Sequence[int] | None  # the numbers of the first and the last name of a page
WORDING = ("page", "draft", "letter", "co_signed", "before_range")  # what the templates need of it


@dataclass
class TypstInput:
    """Writes such folders for one document."""

    letter: LetterData
    counts: Counts | None
    record: Record | None
    options: Options
    extra_fonts: Sequence[Path] = ()
    further: Sequence[LetterData] = ()  # the letter in other languages
    boxed: set[int] = field(default_factory=set)  # code points met so far that no font has

    @cached_property
    def wording(self) -> Wording:
        return Wording.suiting(self.options.language or self.letter.language)

    @property
    def parts(self) -> frozenset[str]:
        """The parts that the document has: letter, opening (the heading over all names), names, record."""
        wanted = {"letter"} if self.options.parts != "names" else set()
        if self.counts and self.options.parts != "letter":
            # Where nobody is named, the sentence on how many stands below the letter, not on a page of its own.
            wanted |= {"opening", "names"} if self.counts.named or not wanted else set()
            wanted |= {"record"} if self.record and self.options.annex else set()
        return frozenset(wanted)

    @property
    def named(self) -> int:
        return self.counts.named if self.counts and "names" in self.parts else 0

    def write(
        self, folder: Path, runs: Iterable[Run], parts: frozenset[str], *, footers: bool = True, more: Words = NO_WORDS
    ) -> int:
        """Writes the folder for these parts, with links to the fonts. Returns the number of names in it."""
        for template in TEMPLATES.glob("*.typ"):
            shutil.copyfile(template, folder / template.name)
        if logo := self.letter.letterhead.logo:
            (folder / "logo.png").write_bytes(logo)
        for place, signatory in enumerate(self.letter.signatories):
            if signatory.image:
                (folder / f"signature-{place}.png").write_bytes(signatory.image)
        if self.record and self.record.address:
            qr_code = segno.make(self.record.address, error="m")
            qr_code.save(str(folder / "qr.svg"), border=0, dark="#14171f", svgclass=None, lineclass=None)
        han = self.wording.language if han_language_of(self.wording.language) else self.letter.language
        faces = faces_at_hand(tuple(self.extra_fonts))
        glyphs = Glyphs(by_preference(faces, han), faces, han=han)
        running = self.options.names == "running"
        names = write_names(runs, glyphs, self.wording, folder, running=running)
        self.boxed |= glyphs.boxed
        data = glyphs.texts({**self._words(), **more})
        self.boxed |= glyphs.boxed
        families = glyphs.families_used()
        link_fonts(families, faces, folder / FOLDER)
        data |= {
            "plain-title": self.letter.title,
            "plain-address": self.record.address if self.record else "",
            "plain-organization": self.letter.letterhead.name,
            "author": (self.record and self.record.organization) or self.letter.letterhead.name,
            "subject": self._subject(),
            "keywords": self._keywords(),  # of the whole document, in each part
            "families": families,
            "shows": {part: part in parts for part in ("volume", "letter", "opening", "names", "record")},
            "without-letter": "letter" not in self.parts,
            "footers": footers,
            "names-page": NAMES_PAGE,
            "paper": self.options.paper,
            "draft": self.options.draft,
            "running": running,
        }
        (folder / "document.json").write_text(json.dumps(data), encoding="utf-8")
        return names

    def write_page_numbers(
        self, folder: Path, first: int, ranges: Sequence[Range], pages: int, more: Words = NO_WORDS
    ) -> None:
        """Writes the folder for the numbers of these pages, and of the names on them, of a document that is joined."""
        self.write(folder, (), frozenset(), more=more)
        shown = [self.wording.range(*names) if names else "" for names in ranges]
        _change(folder, first=first, ranges=shown, pages=pages)

    def volume_words(self, number: int, volumes: int, volume: Volume) -> Words:
        """Returns the words of the cover of a volume, and of its page numbers."""
        wording = self.wording
        numbers = {"volume": wording.number(number), "volumes": wording.number(volumes)}
        names = wording.range(volume.first, volume.last) if volume.last else ""
        return {
            "volume": {
                "title": wording.words["volume"].format(**numbers),
                "names": wording.words["volume_names"].format(range=names) if names else "",
            }
        }

    def write_volume_cover(self, folder: Path, volume: Volume, words: Words) -> None:
        """Writes the folder for the first page of a volume. The metadata of the volume come from it."""
        self.write(folder, (), frozenset({"volume"}), footers=False, more=words)
        title = f"{self.letter.title} \u2013 {words['volume']['title']}"
        _change(folder, **{"plain-title": title, "keywords": self._keywords(volume.names)})

    def _subject(self) -> str:
        recipient = [self.record.recipient] if self.record and self.record.recipient else self.letter.addressee[:1]
        return ", ".join(filter(None, (*recipient, self.letter.date)))

    def _keywords(self, named: int | None = None) -> list[str]:
        """Returns the number of names first, which `name_count` reads, then what an archive looks for."""
        named = self.named if named is None else named
        number = [f"{named} {'name' if named == 1 else 'names'}"] if named else []
        delivery = [f"delivery {self.record.number}"] if self.record and self.record.number else []
        edition = ["public edition"] if self.options.public else []
        return [*number, *delivery, *edition, "open letter"] if self.counts else ["open letter"]

    def _letter_words(self, letter: LetterData) -> dict[str, Any]:
        """Returns the words of the letter in one language, with how this language is set."""
        body = "".join(span.text for block in letter.blocks for line in block.lines for span in line)
        words = {name: value for name, value in asdict(letter).items() if name != "letterhead"}
        label = self.wording.words["letter"]
        if self.further:
            label = f"{label} ({describe(letter.language).own_name})"
        signs = {
            "signs": [f"signature-{place}.png" if one.image else "" for place, one in enumerate(letter.signatories)]
        }
        for person in words["signatories"]:
            del person["image"]
        return words | _typst_language(letter.language) | {"serif": _is_serif(body), "label": label} | signs

    def _summary(self) -> list[str]:
        """Returns the sentences above the names: how many have signed, and that not all of them signed this text."""
        if not self.counts:
            return []
        shown = [one.revision for one in (self.letter, *self.further) if one.revision is not None]
        return [self.wording.how_many(self.counts), *self.wording.of_other_texts(self.counts, shown)]

    def _words(self) -> dict[str, Any]:
        """Returns every text, not yet checked for glyphs."""
        letter, wording = self.letter, self.wording
        head = letter.letterhead
        data: dict[str, Any] = {"letters": [self._letter_words(one) for one in (letter, *self.further)]}
        first = data["letters"][0]
        data |= {name: first[name] for name in ("title", "date", "addressee", "serif")}
        data["letterhead"] = asdict(head) | {"logo": bool(head.logo and head.name)}
        data["letterhead"]["contact"] = [part for part in (head.address, head.telephone, head.web) if part]
        data["letterhead"]["rtl"] = _begins_right_to_left(head.name)  # it may be in another language than the letter
        data["letterhead"]["serif"] = _is_serif(head.name)
        data["letterhead"]["board-title"] = head.board_title or wording.words["board"]
        data |= _typst_language(wording.language if "letter" not in self.parts else letter.language)
        words = {name.replace("_", "-"): wording.words[name] for name in WORDING}
        data["wording"] = words | _typst_language(wording.language) | {"serif": _is_serif(wording.words["letter"])}
        data["summary"] = self._summary()
        data["has-summary-below"] = bool(self.counts and not self.counts.named and "letter" in self.parts)
        data["public-edition"] = wording.public_edition(self.record) if self.options.public else []
        if self.counts and self.record:
            data["record"] = wording.record(self.counts, self.record, is_draft=self.options.draft)
            data["record"]["boxed"] = wording.words["boxed"] if self.boxed else ""
        return data


def _change(folder: Path, **changes: Any) -> None:
    file = folder / "document.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(data | changes), encoding="utf-8")


def _typst_language(language: str) -> dict[str, Any]:
    """Returns language, region and direction of a language tag, as the templates take them."""
    lang, *subtags = language.split("-")
    regions = [REGIONS.get(tag.title(), tag.upper()) for tag in subtags]
    region = next((region for region in regions if len(region) == 2), None)
    return {"lang": lang.lower(), "region": region, "rtl": describe(language).is_rtl}


def _begins_right_to_left(words: str) -> bool:
    """Returns whether the first letter is of a script that is written from right to left."""
    return next((unicodedata.bidirectional(char) for char in words if char.isalpha()), "L") in RIGHT_TO_LEFT


def _is_serif(words: str) -> bool:
    """Returns whether Typst's serif draws at least half of the letters."""
    return 2 * sum(char < SERIF_ENDS for char in words if char.isalpha()) >= sum(map(str.isalpha, words))
