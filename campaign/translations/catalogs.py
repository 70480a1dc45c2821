"""The words of the site in other languages: gathered from the source, kept in `campaign/locale/*.po`, compiled.

Babel, which is a tool of developers, stands in for GNU gettext. What is committed beside each `.po` is its `.mo`, so a
running site needs neither. Admin pages and emails to staff are in English: their strings are plain, not marked.
"""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages import extract
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

LAZY = {f"{name}_lazy": where for name, where in extract.DEFAULT_KEYWORDS.items() if name.endswith("gettext")}
MARKERS = {**extract.DEFAULT_KEYWORDS, **LAZY, "gettext_noop": None}

HEADER = "# The words of the site. Fill in each msgstr, then run `manage.py translations`."
# What must stand in a translation as it does in English: placeholders, and tags.
PLACEHOLDERS = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}|</?\w+[^>]*>")


def languages() -> list[str]:
    """Those of the site that need a catalog."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_file(language: str) -> Path:
    folder: Path = settings.BASE_DIR / "campaign" / "locale" / to_locale(language) / "LC_MESSAGES"
    return folder / "django.po"


def _empty(locale: str | None = None) -> Catalog:
    about = {"project": "Undersigned", "version": "1", "last_translator": "see the history", "language_team": "none"}
    now = datetime.now(UTC)
    return Catalog(
        locale, header_comment=HEADER, msgid_bugs_address="see README.md", revision_date=now, fuzzy=False, **about
    )


def extract_strings() -> Catalog:
    """Every string of the source that people other than staff can meet."""
    catalog = _empty()
    for path, source in _sources():
        for _line, words, comments, context in extract.extract(
            "python", io.BytesIO(source.encode()), MARKERS, ("Translators",)
        ):
            catalog.add(words, locations=[(path, 0)], auto_comments=comments, context=context)
    return catalog


def _sources() -> Iterator[tuple[str, str]]:
    """Path and text of each file that holds such strings, templates turned into Python."""
    base: Path = settings.BASE_DIR
    kinds = ("templates/**/*.html", "templates/**/*.txt", "campaign/**/*.py", "signatures/**/*.py")
    for path in sorted(path for kind in kinds for path in base.glob(kind)):
        name = path.relative_to(base).as_posix()
        source = path.read_text(encoding="utf-8")
        yield name, source if path.suffix == ".py" else _as_python(source)


def _as_python(template: str) -> str:
    """What Django makes of a template for gettext; the tokenizer of Python would choke on its indentation."""
    return "\n".join(line.lstrip() for line in templatize(template).splitlines())


def read(language: str) -> Catalog:
    """The catalog of a language as it is kept; an empty one where there is none yet.

    Raises:
        PoFileError: when its file is broken, or has more plural forms than the language.
    """
    if not po_file(language).exists():
        return _empty(to_locale(language))
    with po_file(language).open("rb") as po:
        return read_po(po, locale=to_locale(language), abort_invalid=True)


def update(language: str, source: Catalog) -> None:
    """Take new strings in, empty; drop those that are gone; guess nothing. Then compile."""
    catalog = read(language)
    catalog.update(source, no_fuzzy_matching=True, update_creation_date=False)
    po_file(language).parent.mkdir(parents=True, exist_ok=True)
    with po_file(language).open("wb") as po:
        write_po(po, catalog, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    po_file(language).with_suffix(".mo").write_bytes(compiled(language))


def compiled(language: str) -> bytes:
    """What Django reads. Strings that have no translation yet are left out, and stand in English."""
    mo = io.BytesIO()
    write_mo(mo, read(language))
    return mo.getvalue()


def problems(language: str, source: Catalog) -> list[str]:
    """What a translator has to mend, one sentence each."""
    catalog = read(language)
    kept = {(message.id, message.context): message for message in catalog if message.id}
    wanted = {(message.id, message.context): message for message in source if message.id}
    found = [f"not in the catalog: {words!r}" for words, _context in wanted if (words, _context) not in kept]
    found += [f"gone from the source: {words!r}" for words, _context in kept if (words, _context) not in wanted]
    found += [f"gone from the source: {words!r}" for words in catalog.obsolete]
    return found + [problem for message in kept.values() for problem in _of_message(message)]


def _of_message(message: Message) -> Iterator[str]:
    told: list[Any] = list(message.string) if isinstance(message.string, (list, tuple)) else [message.string]
    english = message.id[-1] if isinstance(message.id, (list, tuple)) else message.id
    if message.fuzzy:
        yield f"fuzzy: {english!r}"
    for words in told:
        if not words:
            yield f"not translated: {english!r}"
        elif sorted(PLACEHOLDERS.findall(words)) != sorted(PLACEHOLDERS.findall(english)):
            yield f"other placeholders or tags: {words!r} for {english!r}"
        elif (words[0].isspace(), words[-1].isspace()) != (english[0].isspace(), english[-1].isspace()):
            yield f"another blank at an end: {words!r} for {english!r}"
