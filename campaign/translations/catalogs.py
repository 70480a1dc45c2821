"""Translation catalogs: extract the marked strings, update and compile `campaign/locale/*.po`, find problems.

Babel replaces GNU gettext. It is a development dependency: the compiled `.mo` files are committed, so a running site
does not need it. Admin pages and staff emails are in English, so their strings are not marked.
"""

import io
import tomllib
from collections.abc import Iterator, Mapping
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

from campaign.runtime.regular_expressions import linear
from campaign.translations import word_rules

_LAZY = {f"{name}_lazy": where for name, where in extract.DEFAULT_KEYWORDS.items() if name.endswith("gettext")}
MARKERS = {**extract.DEFAULT_KEYWORDS, **_LAZY, "gettext_noop": None}

HEADER = "# The texts of the site. Fill in each msgstr, then run `manage.py translations`."
# Placeholders and HTML tags: a translation must have the same ones as the English string.
PLACEHOLDERS = linear(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}|</?\w[^<>]*>")


def languages() -> list[str]:
    """Returns the languages of the site that need a catalog."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_file(language: str) -> Path:
    folder: Path = settings.BASE_DIR / "campaign" / "locale" / to_locale(language) / "LC_MESSAGES"
    return folder / "django.po"


def _empty(locale: str | None = None) -> Catalog:
    return Catalog(
        locale,
        header_comment=HEADER,
        project="Undersigned",
        version="1",
        last_translator="see the history",
        language_team="none",
        msgid_bugs_address="see README.md",
        revision_date=datetime.now(UTC),
        fuzzy=False,
    )


def extract_strings() -> Catalog:
    """Returns all strings marked for translation: those that people other than staff can see."""
    catalog = _empty()
    for path, source in _sources():
        file = io.BytesIO(source.encode())
        for _line, string, comments, context in extract.extract("python", file, MARKERS, ("Translators",)):
            catalog.add(string, locations=[(path, 0)], auto_comments=comments, context=context)
    return catalog


def _sources() -> Iterator[tuple[str, str]]:
    """Yields path and source of each file that may hold marked strings, with templates converted to Python."""
    base: Path = settings.BASE_DIR
    kinds = ("templates/**/*.html", "templates/**/*.txt", "campaign/**/*.py", "signatures/**/*.py")
    for path in sorted(path for kind in kinds for path in base.glob(kind)):
        name = path.relative_to(base).as_posix()
        source = path.read_text(encoding="utf-8")
        if path.suffix != ".py":  # converted as by Django, without the indentation, which Python's tokenizer rejects
            source = "\n".join(line.lstrip() for line in templatize(source).splitlines())
        yield name, source


def read(language: str) -> Catalog:
    """Returns the catalog of a language; an empty one if there is no file.

    Raises:
        PoFileError: if the file is broken, or has more plural forms than the language.
    """
    if not po_file(language).exists():
        return _empty(to_locale(language))
    with po_file(language).open("rb") as po:
        return read_po(po, locale=to_locale(language), abort_invalid=True)


def update(language: str, source: Catalog) -> None:
    """Add new strings untranslated, remove strings that the source no longer has, and compile."""
    catalog = read(language)
    catalog.update(source, no_fuzzy_matching=True, update_creation_date=False)
    po_file(language).parent.mkdir(parents=True, exist_ok=True)
    with po_file(language).open("wb") as po:
        write_po(po, catalog, width=120, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    po_file(language).with_suffix(".mo").write_bytes(compiled(language))


def compiled(language: str) -> bytes:
    """Returns the `.mo` file. Strings without a translation are left out, so that Django shows them in English."""
    mo = io.BytesIO()
    write_mo(mo, read(language))
    return mo.getvalue()


def problems(language: str, source: Catalog) -> list[str]:
    """Returns what a translator has to fix, one sentence each."""
    catalog = read(language)
    translated = {(message.id, message.context): message for message in catalog if message.id}
    wanted = {(message.id, message.context) for message in source if message.id}
    found = [f"not in the catalog: {string!r}" for string, context in wanted if (string, context) not in translated]
    obsolete = [string for string, context in translated if (string, context) not in wanted]
    found += [f"not in the source: {string!r}" for string in (*obsolete, *catalog.obsolete)]
    found += [problem for message in translated.values() for problem in _message_problems(message)]
    for message in translated.values():
        is_plural = isinstance(message.id, (list, tuple))
        for form, text in enumerate(_texts(message)):
            found += word_rules.faults(language, text, form if is_plural else None)
    return found + [fault for text in _words_of_pdf(language) for fault in word_rules.faults(language, text)]


def _words_of_pdf(language: str) -> Iterator[str]:
    """Yields the words of the PDF in this language, if there are any."""
    file: Path = settings.BASE_DIR / "templates" / "pdf" / "wording" / f"{language}.toml"
    if file.exists():
        yield from _leaves(tomllib.loads(file.read_text(encoding="utf-8")))


def _leaves(table: Mapping[str, Any]) -> Iterator[str]:
    for value in table.values():
        if isinstance(value, Mapping):
            yield from _leaves(value)
        else:
            yield str(value)


def _texts(message: Message) -> list[Any]:
    return list(message.string) if isinstance(message.string, (list, tuple)) else [message.string]


def _message_problems(message: Message) -> Iterator[str]:
    english = message.id[-1] if isinstance(message.id, (list, tuple)) else message.id
    if message.fuzzy:
        yield f"fuzzy: {english!r}"
    for string in _texts(message):
        if not string:
            yield f"not translated: {english!r}"
        elif sorted(PLACEHOLDERS.findall(string)) != sorted(PLACEHOLDERS.findall(english)):
            yield f"different placeholders or tags: {string!r} for {english!r}"
        elif (string[0].isspace(), string[-1].isspace()) != (english[0].isspace(), english[-1].isspace()):
            yield f"different spaces at the ends: {string!r} for {english!r}"
