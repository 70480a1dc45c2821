"""A language that nobody speaks: every string of ours accented, a third longer, from right to left.

What stands on a page of it in plain letters is a string that nobody can translate, or a text in another language that
does not say so (`lang`).
"""

import re
from collections.abc import Collection
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from campaign.translations import catalogs

CODE = "he"  # Django knows its dates, numbers and direction; ours are the words
ACCENTED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "áƀćđéƒğħíĵķłḿńóṕɋŕśŧúṽŵẋýźÁɃĆĐÉƑĞĦÍĴĶŁḾŃÓṔɊŔŚŦÚṼŴẊÝŹ"
)
APART = {"bdi", "code", "pre", "script", "style", "textarea"}  # a person's words, and what no language has
FILE = re.compile(r"[\w-]+\.(?:csv|json|pdf|txt|zip)\b")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
READ_ALOUD = ("alt", "aria-label", "content", "placeholder", "title")


def said(words: str) -> str:
    """The words as the language has them; placeholders and tags stay."""
    parts = re.split(f"({catalogs.PLACEHOLDERS.pattern})", words)
    accented = "".join(part if n % 2 else part.translate(ACCENTED) for n, part in enumerate(parts))
    end = len(accented.rstrip())
    return accented[:end] + (" ~~~~~" * len(words))[: len(words) // 3].rstrip() + accented[end:]


def write_catalog(folder: Path) -> None:
    catalog = Catalog(CODE, fuzzy=False)
    for message in catalogs.extract_strings():
        if message.id:
            words = [said(part) for part in message.id] if message.pluralizable else said(str(message.id))
            if message.pluralizable:
                words = [words[0], *words[1:] * (catalog.num_plurals - 1)]
            catalog.add(message.id, words, context=message.context)
    (folder / CODE / "LC_MESSAGES").mkdir(parents=True)
    with (folder / CODE / "LC_MESSAGES" / "django.mo").open("wb") as mo:
        write_mo(mo, catalog)


class Plain(HTMLParser):
    """What a page says in plain letters, though it says that it is in this language."""

    def __init__(self, but: Collection[str]) -> None:
        super().__init__()
        self.but = but
        self.open: list[tuple[str, str, bool]] = [("", "", False)]  # tag, language, whether apart
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        _tag, language, apart = self.open[-1]
        here = tag, given.get("lang", language), apart or tag in APART
        if tag not in VOID:
            self.open.append(here)
        names = [name for name in given if name in READ_ALOUD or name.startswith("data-say")]
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
        _tag, language, apart = here
        words = FILE.sub("", words)
        for known in self.but:
            words = words.replace(known, "")
        if language == CODE and not apart and re.search(r"[A-Za-z]{2,}", words):
            self.found.append(" ".join(words.split()))


def plain(page: str, *but: str) -> list[str]:
    """Those words, but not what is no language: a person's name, say, or what was typed."""
    parser = Plain(but)
    parser.feed(page)
    return parser.found
