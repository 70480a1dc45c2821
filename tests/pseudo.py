"""The pseudo-locale: every translatable string accented, a third longer, and from right to left.

Text in plain letters on its pages is a string that cannot be translated, or a text in another language without `lang`.
"""

import re
from collections.abc import Collection
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from campaign.translations import catalogs

CODE = "he"  # Django has its dates, numbers and direction; the strings are made up
ACCENTED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "áƀćđéƒğħíĵķłḿńóṕɋŕśŧúṽŵẋýźÁɃĆĐÉƑĞĦÍĴĶŁḾŃÓṔɊŔŚŦÚṼŴẊÝŹ"
)
IGNORED_TAGS = {"bdi", "code", "pre", "script", "style", "textarea"}  # names and code
FILE = re.compile(r"(?:texts/)?[\w-]+\.(?:csv|html|json|pdf|py|txt|zip)\b")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
TEXT_ATTRIBUTES = ("alt", "aria-label", "content", "placeholder", "title")


def translated(words: str) -> str:
    """Returns the text in the pseudo-locale. Placeholders and tags stay as they are."""
    parts = re.split(f"({catalogs.PLACEHOLDERS.pattern})", words)
    accented = "".join(part if n % 2 else part.translate(ACCENTED) for n, part in enumerate(parts))
    end = len(accented.rstrip())
    return accented[:end] + (" ~~~~~" * len(words))[: len(words) // 3].rstrip() + accented[end:]


def write_catalog(folder: Path) -> None:
    catalog = Catalog(CODE, fuzzy=False)
    for message in catalogs.extract_strings():
        if message.id:
            words = [translated(part) for part in message.id] if message.pluralizable else translated(str(message.id))
            if message.pluralizable:
                words = [words[0], *words[1:] * (catalog.num_plurals - 1)]
            catalog.add(message.id, words, context=message.context)
    (folder / CODE / "LC_MESSAGES").mkdir(parents=True)
    with (folder / CODE / "LC_MESSAGES" / "django.mo").open("wb") as mo:
        write_mo(mo, catalog)


class PlainTextFinder(HTMLParser):
    """Finds text in plain letters in elements of this language."""

    def __init__(self, ignored: Collection[str]) -> None:
        super().__init__()
        self.ignored = ignored
        self.open: list[tuple[str, str, bool]] = [("", "", False)]  # tag, language, whether its text is ignored
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        _tag, language, is_ignored = self.open[-1]
        here = tag, given.get("lang", language), is_ignored or tag in IGNORED_TAGS
        if tag not in VOID:
            self.open.append(here)
        names = [name for name in given if name in TEXT_ATTRIBUTES or name.startswith("data-say")]
        if tag == "meta" and given.get("name") != "description":
            names.remove("content") if "content" in names else None
        for name in names:
            self.look(given[name], here)

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1][0] != tag:
            self.open.pop()
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.look(data, self.open[-1])

    def look(self, words: str, here: tuple[str, str, bool]) -> None:
        _tag, language, is_ignored = here
        words = FILE.sub("", words)
        for known in self.ignored:
            words = words.replace(known, "")
        if language == CODE and not is_ignored and re.search(r"[A-Za-z]{2,}", words):
            self.found.append(" ".join(words.split()))


def untranslated(page: str, *ignored: str) -> list[str]:
    """Returns the text of a page in plain letters, without the given names and inputs."""
    parser = PlainTextFinder(ignored)
    parser.feed(page)
    return parser.found
