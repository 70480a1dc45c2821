"""The words of the site in other languages: gathered from the source, kept in `campaign/locale/*.po`, compiled.

Babel, which is a tool of developers, stands in for GNU gettext. What is committed beside each `.po` is its `.mo`, so a
running site needs neither. Staff read English (admin has no language in its address): what they alone see is left out.
"""

import ast
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from babel.messages import extract
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

STAFF = (
    "templates/admin/*", "templates/emails/alarm/*", "templates/emails/invite/*", "templates/emails/reset/*",
    "*/admin.py", "*/admin/*", "*/management/*", "*/migrations/*", "signatures/templatetags/front.py",
    "campaign/forms.py", "campaign/models/*", "campaign/settings.py",
    "signatures/blocks.py", "signatures/emails.py", "signatures/imports.py", "signatures/invalidation/*",
    "signatures/suspicion.py", "signatures/trail.py", "signatures/watch.py", "signatures/workflow/blocking.py",
    "signatures/delivery/making.py",
    "signatures/models/desk.py", "signatures/models/invalidation.py",
    "signatures/models/mail.py", "signatures/models/paper.py", "signatures/models/picture.py",
    "signatures/models/trail.py",
)  # fmt: skip
LAZY = {f"{name}_lazy": where for name, where in extract.DEFAULT_KEYWORDS.items() if name.endswith("gettext")}
MARKERS = {**extract.DEFAULT_KEYWORDS, **LAZY, "gettext_noop": None}

HEADER = "# The words of the site. Fill in each msgstr, then run `manage.py catalogues`."
# What must stand in a translation as it does in English: placeholders, and tags.
MARKS = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}|</?\w+[^>]*>")


def languages() -> list[str]:
    """Those of the site that need a catalogue."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def file(language: str) -> Path:
    folder: Path = settings.BASE_DIR / "campaign" / "locale" / to_locale(language) / "LC_MESSAGES"
    return folder / "django.po"


def _empty(locale: str | None = None) -> Catalog:
    about = {"project": "Undersigned", "version": "1", "last_translator": "see the history", "language_team": "none"}
    now = datetime.now(UTC)
    return Catalog(
        locale, header_comment=HEADER, msgid_bugs_address="see README.md", revision_date=now, fuzzy=False, **about
    )


def gathered() -> Catalog:
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
        if any(fnmatch(name, pattern) for pattern in STAFF):
            continue
        source = path.read_text(encoding="utf-8")
        yield name, _without_models(source) if path.suffix == ".py" else _as_python(source)


def _as_python(template: str) -> str:
    """What Django makes of a template for gettext; the tokenizer of Python would choke on its indentation."""
    return "\n".join(line.lstrip() for line in templatize(template).splitlines())


def _without_models(source: str) -> str:
    """The source less its models, whose labels are read in admin alone; the choices in them stay."""
    lines = source.split("\n")
    for node in ast.parse(source).body:
        parts = [part for part in getattr(node, "body", []) if isinstance(part, ast.ClassDef)]
        if "Meta" in {part.name for part in parts}:
            choices = {n for part in parts if part.name != "Meta" for n in range(part.lineno, _end(part) + 1)}
            for n in range(node.lineno, _end(node) + 1):
                lines[n - 1] = lines[n - 1].lstrip() if n in choices else ""
    return "\n".join(lines)


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def read(language: str) -> Catalog:
    """The catalogue of a language as it is kept; an empty one where there is none yet.

    Raises:
        PoFileError: when its file is broken, or has more plural forms than the language.
    """
    if not file(language).exists():
        return _empty(to_locale(language))
    with file(language).open("rb") as po:
        return read_po(po, locale=to_locale(language), abort_invalid=True)


def update(language: str, source: Catalog) -> None:
    """Take new strings in, empty; drop those that are gone; guess nothing. Then compile."""
    catalog = read(language)
    catalog.update(source, no_fuzzy_matching=True, update_creation_date=False)
    file(language).parent.mkdir(parents=True, exist_ok=True)
    with file(language).open("wb") as po:
        write_po(po, catalog, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    file(language).with_suffix(".mo").write_bytes(compiled(language))


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
    found = [f"not in the catalogue: {words!r}" for words, _context in wanted if (words, _context) not in kept]
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
        elif sorted(MARKS.findall(words)) != sorted(MARKS.findall(english)):
            yield f"other placeholders or tags: {words!r} for {english!r}"
        elif (words[0].isspace(), words[-1].isspace()) != (english[0].isspace(), english[-1].isspace()):
            yield f"another blank at an end: {words!r} for {english!r}"
