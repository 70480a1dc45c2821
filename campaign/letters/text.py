"""The text of a letter: parsing into blocks, HTML, the canonical form and its digest.

Texts are written in a subset of Markdown: paragraphs, bulleted and numbered lists, block quotes, *emphasis* and
**strong** words. All else (HTML, links, images, headings) is shown as it is typed, so no text can hold markup.
"""

import difflib
import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

_markdown = MarkdownIt("zero").enable(["list", "blockquote", "emphasis", "newline"])


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style."""

    text: str
    emphasis: bool = False
    strong: bool = False


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or quote (one line) or a list (a line for each item)."""

    kind: Literal["paragraph", "quote", "list"]
    lines: tuple[Line, ...]
    ordered: bool = False


@lru_cache(maxsize=64)
def blocks(source: str) -> tuple[Block, ...]:
    """Returns the blocks of a text in our subset of Markdown. Lists do not nest."""
    return tuple(_blocks(_markdown.parse(source)))


def _blocks(tokens: Iterable[Token]) -> Iterator[Block]:
    items: list[Line] | None = None
    ordered = quoted = False
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                items, ordered = [], token.type.startswith("ordered")
            case "bullet_list_close" | "ordered_list_close":
                yield Block("list", tuple(items or ()), ordered)
                items = None
            case "blockquote_open":
                quoted = True
            case "blockquote_close":
                quoted = False
            case "inline" if items is not None:
                items.append(_line(token))
            case "inline":
                yield Block("quote" if quoted else "paragraph", (_line(token),))


def _line(token: Token) -> Line:
    spans, emphasis, strong = [], False, False
    for child in token.children or ():
        match child.type:
            case "em_open" | "em_close":
                emphasis = child.type == "em_open"
            case "strong_open" | "strong_close":
                strong = child.type == "strong_open"
            case "softbreak" | "hardbreak":
                spans.append(Span(" ", emphasis, strong))
            case _ if child.content:
                spans.append(Span(child.content, emphasis, strong))
    return tuple(spans)


def html(source: str) -> SafeString:
    """Returns the text as HTML, escaped."""
    return mark_safe("\n".join(_html(block) for block in blocks(source)))  # noqa: S308  each part is escaped below


def _html(block: Block) -> SafeString:
    if block.kind == "list":
        items = format_html_join("", "<li>{}</li>", ((_inline(line),) for line in block.lines))
        return format_html("<ol>{}</ol>" if block.ordered else "<ul>{}</ul>", items)
    frame = "<blockquote><p>{}</p></blockquote>" if block.kind == "quote" else "<p>{}</p>"
    return format_html(frame, _inline(block.lines[0]))


def _inline(line: Line) -> SafeString:
    styles = {
        (False, False): "{}",
        (True, False): "<em>{}</em>",
        (False, True): "<strong>{}</strong>",
        (True, True): "<em><strong>{}</strong></em>",
    }
    return format_html_join("", "{}", ((format_html(styles[span.emphasis, span.strong], span.text),) for span in line))


def canonical(parts: Iterable[str]) -> bytes:
    """Returns the parts joined by an empty line, in UTF-8, NFC, with LF, without spaces at the ends of lines."""
    whole = "\n\n".join(part.replace("\r\n", "\n").replace("\r", "\n").strip() for part in parts)
    lines = (line.rstrip() for line in unicodedata.normalize("NFC", whole).split("\n"))
    return ("\n".join(lines) + "\n").encode()


def digest(parts: Iterable[str]) -> str:
    """Returns the SHA-256 of the canonical form, in hex."""
    return hashlib.sha256(canonical(parts)).hexdigest()


def changes(old: Iterable[str], new: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the paragraphs that were removed ("-") and added ("+") between the parts of two texts."""
    before, after = ([line for part in parts for line in part.split("\n") if line.strip()] for parts in (old, new))
    return [(line[0], line[2:]) for line in difflib.ndiff(before, after) if line[0] in "+-"]
