"""The wording of the document around the letter, in each language of templates/pdf/wording/."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import dateformat, formats, translation
from django_countries import countries

from campaign.letters.languages import describe, plural_category
from signatures.delivery.pdf.document import Counts, Record
from signatures.values import signed_texts

FOLDER = Path(__file__).parents[3] / "templates" / "pdf" / "wording"
RANGE_DASH = "\u2013"
ERRATA = ("withdrawn", "erased", "rejected")  # the kinds of the statement: see `errata.kinds_of_errata`


def languages() -> list[str]:
    """Returns the languages that have a file of words."""
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


@cache
def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _closest(tag: str) -> str | None:
    """Returns the language with words that a reader of this one understands (zh-hant for zh-tw, fr for fr-be)."""
    tags = [tag, *LANG_INFO.get(tag, {}).get("fallback", ())]
    same = (known for one in tags for known in languages() if one == known or one.startswith(f"{known}-"))
    related = (known for known in languages() if tag.split("-", maxsplit=1)[0] == known.split("-")[0])
    return next(same, None) or next(related, None)


class Wording:
    """Sentences, headings, dates and numbers in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.words = _read(FOLDER / f"{language}.toml")
        self.country = cache(self.country)  # type: ignore[method-assign]  # asked for every name

    @classmethod
    def suiting(cls, language: str) -> Self:
        """Returns the wording in this language or the closest one (zh-hant for zh-TW), else in the site's default."""
        return cls(_closest(language.lower()) or settings.LANGUAGE_CODE)

    def country(self, code: str) -> str:
        """Returns the name of a country, or the text itself if it is no code."""
        with translation.override(self.language):
            return str(countries.name(code)) or code

    def heading(self, section: str) -> str:
        """Returns the heading over a section: see `document.Entry`."""
        if not section:
            return ""
        kind, _, code = section.partition(":")
        if kind == "script":
            return str(self.words["scripts"].get(code, self.words["scripts"]["other"]))
        if kind == "country":
            return self.country(code) if code else str(self.words["no_country"])
        return str(self.words[section])

    def range(self, first: int, last: int) -> str:
        return RANGE_DASH.join(self.number(n) for n in dict.fromkeys((first, last)))

    def day(self, day: date) -> str:
        with translation.override(self.language):
            return dateformat.format(day, self.words["date"])

    def how_many(self, counts: Counts) -> str:
        """Returns who has signed and how many: delivered, named, counted only (rule 10)."""
        return self._signers(counts) + self._first(counts) + str(self.words["count"]["end"])

    def _first(self, counts: Counts) -> str:
        words = self.words["count"]
        if not counts.total:
            first = words["none"]
        elif counts.elsewhere:
            first = words["public_edition"][plural_category(self.language, counts.total)]
        elif not counts.counted_only:
            first = self.amount(words["all_named"], counts.total)
        elif not counts.named:
            first = self.amount(words["none_named"], counts.total)
        else:
            first = words["both"]
        others = counts.counted_only + counts.elsewhere
        numbers = {"total": counts.total, "named": counts.named, "counted": counts.counted_only, "others": others}
        return str(first.format(**{name: self.number(n) for name, n in numbers.items()}))

    def of_other_texts(self, counts: Counts, shown: Iterable[int]) -> list[str]:
        """Returns a sentence for each text in the document, by its number, that not every signature is of."""
        return [
            self.amount(
                self.words["count"]["of_other_texts"],
                sum(others.values()),
                others=self.words["before_range"].join(map(str, others)),
                shown=number,
            )
            for number in sorted(set(shown))
            if (others := signed_texts.of_other_texts(counts.revisions, number))
        ]

    def summary(self, counts: Counts) -> str:
        """Returns the sentence on all counts: those of `how_many`, and what is not delivered."""
        words = self.words["count"]
        clauses = [self._first(counts)]
        clauses += [
            self.amount(words[name], number)
            for name in ("waiting", "withdrawn", "rejected")
            if (number := getattr(counts, name))
        ]
        return self._signers(counts) + str(words["between"].join(clauses) + words["end"])

    def _signers(self, counts: Counts) -> str:
        """Returns a sentence of its own where organizations have signed. All others are people."""
        words, people = self.words["count"], counts.total - counts.organizations
        if not counts.organizations:
            return ""
        if not people:
            return self.amount(words["only_organizations"], counts.organizations)
        organizations = self.amount(words["organizations"], counts.organizations)
        return str(words["signers"].format(organizations=organizations, people=self.amount(words["people"], people)))

    def number(self, n: int) -> str:
        """Returns the number as the pages of the site write it in this language."""
        with translation.override(self.language):
            return formats.number_format(n, force_grouping=True)

    def amount(self, forms: dict[str, str], n: int, **more: Any) -> str:
        """Returns the form for this number, by the plural rules of CLDR, filled in."""
        form = forms[plural_category(self.language, n)]
        return form.format(n=self.number(n), total=self.number(n), **more)

    def public_edition(self, record: Record | None) -> list[str]:
        """Returns what a public edition says of itself in front, and of which delivery it is."""
        return [
            str(self.words["public"]),
            *([self._delivery(record)] if record and record.number and record.frozen_on else []),
        ]

    def record(self, counts: Counts, record: Record, *, is_draft: bool) -> dict[str, Any]:
        """Returns the words of the last page: what was counted, and how anybody can check it."""
        words = self.words["record"]
        numbers = {*counts.revisions, *(text["revision"] for text in record.texts)}
        return {
            "title": words["title"],
            "summary": self.summary(counts),
            "sentences": list(self._record_sentences(counts, record, is_draft=is_draft)),
            "texts-title": words["revisions"],
            "texts-note": words["digest"],
            "texts": [
                {
                    "label": self.amount(words["revision"], counts.revisions.get(revision, 0), revision=revision),
                    "digests": [
                        {"language": self._language_of(text), "digest": text["digest"]}
                        for text in sorted(record.texts, key=lambda text: (text["language"], text.get("ordinal")))
                        if text["revision"] == revision
                    ],
                }
                for revision in sorted(numbers)
            ],
            "digest": record.digest,
            "digest-title": words["statement"],
            "how-to-check": words["check"],
            "where-to-check": words["where"].format(address=record.address) if record.address else "",
            "address": record.address,
            "key-title": words["key"],
            "key": record.public_key,
        }

    def _record_sentences(self, counts: Counts, record: Record, *, is_draft: bool) -> Iterator[str]:
        words = self.words["record"]
        if is_draft:
            yield words["draft"]
        elif record.number and record.frozen_on:
            yield self._delivery(record)
        if record.since is not None:
            changes = {"added": self.number(record.added), "gone": self.number(record.gone)}
            yield words["since"].format(since=record.since, **changes)
        for earlier in record.errata:
            for kind in ERRATA:
                if earlier[kind]:
                    yield self.amount(words[f"errata_{kind}"], earlier[kind], delivery=earlier["delivery"])
        for name, number in (("paper", counts.paper), ("evidence", counts.evidence)):
            if number:
                yield self.amount(words[name], number)

    def _language_of(self, text: Mapping[str, Any]) -> str:
        """Returns the language of a text, numbered where its revision has several texts in it."""
        name, ordinal = describe(text["language"]).own_name, text.get("ordinal")
        return f"{name} ({self.number(ordinal)})" if ordinal else name

    def _delivery(self, record: Record) -> str:
        frozen_on = self.day(record.frozen_on) if record.frozen_on else ""
        return str(self.words["record"]["delivery"].format(number=record.number, date=frozen_on))
