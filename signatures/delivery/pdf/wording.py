"""The frame's words: what the document says of itself, in each language of templates/pdf/wording/."""

import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import dateformat, translation
from django_countries import countries

from signatures.delivery.pdf.document import Counts, Record

FOLDER = Path(__file__).parents[3] / "templates" / "pdf" / "wording"
RANGE_DASH = "\u2013"


def languages() -> list[str]:
    """Return the languages that have a file of words."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def autonym(language: str) -> str:
    """Return what a language is called in itself; its code if Django does not know it."""
    return str(LANG_INFO.get(language, {}).get("name_local", language))


@cache
def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _closest(tag: str) -> str | None:
    """Return the language with words that a reader of this one understands (zh-hant for zh-tw, fr for fr-be)."""
    tags = [tag, *LANG_INFO.get(tag, {}).get("fallback", ())]
    same = (known for one in tags for known in languages() if one == known or one.startswith(f"{known}-"))
    related = (known for known in languages() if tag.split("-", maxsplit=1)[0] == known.split("-")[0])
    return next(same, None) or next(related, None)


class Wording:
    """Sentences, headings, dates and figures in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.words = _read(FOLDER / f"{language}.toml")
        self.country = cache(self.country)  # type: ignore[method-assign]  # asked for every name

    @classmethod
    def suiting(cls, language: str) -> Self:
        """The frame of this language, or of its kind (zh-TW), or else in English."""
        return cls(_closest(language.lower()) or settings.LANGUAGE_CODE)

    def country(self, code: str) -> str:
        """The country's name; what is no code stands as it is."""
        with translation.override(self.language):
            return str(countries.name(code)) or code

    def heading(self, section: str) -> str:
        """The heading over a section: see `document.Entry`."""
        if not section:
            return ""
        kind, _, code = section.partition(":")
        if kind == "script":
            return str(self.words["scripts"].get(code, self.words["scripts"]["other"]))
        if kind == "country":
            return self.country(code) if code else str(self.words["no_country"])
        return str(self.words[section])

    def titled(self, title: str, first: int, last: int) -> str:
        """A heading with the numbers that stand under it, for the running head."""
        return f"{title}{self.words['before_range']}{self.range(first, last)}" if title else ""

    def range(self, first: int, last: int) -> str:
        return f"{first:,}" if first == last else f"{first:,}{RANGE_DASH}{last:,}"

    def day(self, day: date) -> str:
        with translation.override(self.language):
            return dateformat.format(day, self.words["date"])

    def summary(self, counts: Counts) -> str:
        """How many signed, how many of them are named, and what became of the others (rule 10)."""
        words = self.words["count"]
        if not counts.total:
            first = words["none"]
        elif not counts.counted_only:
            first = self.amount(words["all_named"], counts.total)
        elif not counts.named:
            first = self.amount(words["none_named"], counts.total)
        else:
            first = words["both"]
        figures = {"total": counts.total, "named": counts.named, "counted": counts.counted_only}
        clauses = [first.format(**{name: f"{n:,}" for name, n in figures.items()})]
        clauses += [
            self.amount(words[name], number)
            for name in ("waiting", "withdrawn", "rejected")
            if (number := getattr(counts, name))
        ]
        return str(words["between"].join(clauses) + words["end"])

    def amount(self, forms: list[str], n: int, **more: Any) -> str:
        """The form for one, or for more."""
        return forms[n != 1].format(n=f"{n:,}", total=f"{n:,}", **more)

    def record(self, counts: Counts, record: Record, *, draft: bool) -> dict[str, Any]:
        """The last page: what was counted of what, and how anybody can check it."""
        told, said = self.words["told"], []
        if draft:
            said.append(told["draft"])
        elif record.number and record.frozen_on:
            said.append(told["delivery"].format(number=record.number, date=self.day(record.frozen_on)))
        if record.since is not None:
            changes = {"added": f"{record.added:,}", "gone": f"{record.gone:,}"}
            said.append(told["since"].format(since=record.since, **changes))
        said += [
            self.amount(told[name], n)
            for name, n in (("errata", record.errata), ("paper", counts.paper))
            if n
        ]  # fmt: skip
        texts = [
            {
                "told": self.amount(told["revision"], number, revision=revision),
                "digests": [
                    {"language": autonym(text.language), "digest": text.digest}
                    for text in record.texts
                    if text.revision == revision
                ],
            }
            for revision, number in sorted(counts.revisions.items())
        ]
        return {
            "title": self.words["record"],
            "summary": self.summary(counts),
            "said": said,
            "revisions": told["revisions"],
            "digest": told["digest"],
            "texts": texts,
            "root": record.root,
            "root-name": told["root"],
            "check": told["check"],
            "where": told["where"].format(address=record.address) if record.address else "",
        }
