"""The directive `code-table`: a table of the reference whose rows come from the code.

The code gives the rows, what it knows of them, and their order. The lines of the directive add words to a row:

    ```{code-table} alarms
    rise: at least 200 sign-ups in an hour
    ```

A line for a row that the code does not have fails the build, and so does a row without a line where each needs one.
"""

import argparse
import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import LocalePrefixPattern, URLResolver, get_resolver
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from signatures.delivery.csv_export import COLUMNS
from signatures.registries import AlarmCode, AuditAction, Flag, FlagEnd
from signatures.screening.rate_limits import DEFAULT_LIMITS
from signatures.tasks import DUTIES, LONG

BASE = Path(__file__).resolve().parents[2]
Words = dict[str, list[str]]  # by row: the cells that its line adds


@dataclass(frozen=True)
class Row:
    """One row: the code by which a line names it, and its cells."""

    code: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table: its head, its rows, and the cells that each line must add. With 0 a line continues the second cell."""

    head: tuple[str, ...]
    rows: Callable[[str], Iterable[Row]]
    added: int = 1


def _literal(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def flags(raised_by: str) -> Iterator[Row]:
    """The flags of the modules whose name begins so, such as `screening`; several separated by spaces."""
    ends = {FlagEnd.NEVER: "nothing", FlagEnd.NEW_WORDS: "better words", FlagEnd.DECISION: "a decision"}
    for flag in Flag:
        if flag.raised_in.startswith(tuple(raised_by.split())):
            yield Row(flag, (_literal(flag), flag.sentence, ends[flag.end]))


def alarms(_of: str) -> Iterator[Row]:
    for alarm in AlarmCode:
        yield Row(alarm, (_literal(alarm), alarm.email_sentence, alarm.advice))


def audit_actions(group: str) -> Iterator[Row]:
    for action in AuditAction:
        if action.group == group:
            yield Row(action, (_literal(action), action.sentence))


def rate_limits(_of: str) -> Iterator[Row]:
    for scope in dict.fromkeys(of for of, _seconds, _most in DEFAULT_LIMITS):
        numbers = [(seconds, most) for of, seconds, most in DEFAULT_LIMITS if of == scope]
        at_most = ", ".join(f"{most:,} {_span(seconds)}" for seconds, most in numbers)
        yield Row(scope, (str(scope.label), at_most))


def _span(seconds: int) -> str:
    names = {60: "a minute", 3600: "an hour", 86400: "a day"}
    return names.get(seconds, f"in {seconds // 60} minutes" if seconds > 60 else f"in {seconds} seconds")


def duties(_of: str) -> Iterator[Row]:
    """The duties of the worker, in the order of one turn."""
    for duty in DUTIES:
        beside = ", in the long queue" if duty.queue == LONG else ""
        yield Row(duty.name, (_literal(duty.name), f"once {_span(int(duty.every.total_seconds()))}{beside}"))


def csv_columns(_of: str) -> Iterator[Row]:
    for column in COLUMNS:
        yield Row(column, (_literal(column),))


def addresses(which: str) -> Iterator[Row]:
    """The addresses with a prefix for each language (`pages`), or those without one (`plain`)."""
    for pattern in get_resolver().url_patterns:
        has_language = isinstance(pattern.pattern, LocalePrefixPattern)
        if has_language == (which == "pages"):
            yield from _addresses(pattern, "/")


def _addresses(pattern: Any, before: str) -> Iterator[Row]:
    here = before if isinstance(pattern.pattern, LocalePrefixPattern) else before + str(pattern.pattern)
    if not isinstance(pattern, URLResolver):
        yield Row(pattern.name, (_literal(re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", here)),))
    elif pattern.namespace != "admin":
        for inner in pattern.url_patterns:
            yield from _addresses(inner, here)


def commands(names: str) -> Iterator[Row]:
    """These commands, each with its arguments and what its help says."""
    for name in names.split():
        parser = _parser(name)
        arguments = [_usage(action) for action in _own_arguments(parser)]
        yield Row(name, (_literal(" ".join([name, *arguments])), str(parser.description)))


def options(name: str) -> Iterator[Row]:
    """The options of one command."""
    for action in _own_arguments(_parser(name)):
        if action.option_strings:
            option = action.option_strings[-1]
            yield Row(option, (_literal(option), " ".join(_about(action))))


def _about(option: argparse.Action) -> Iterator[str]:
    if option.help:
        yield f"{option.help[0].upper()}{option.help[1:]}."
    if option.choices:
        yield f"One of {_literal(*map(str, option.choices))}."
    if option.default:
        yield f"Default: `{option.default}`."


def _parser(name: str) -> argparse.ArgumentParser:
    package = get_commands()[name]
    command = load_command_class(package, name) if isinstance(package, str) else package
    return command.create_parser("manage.py", name)


def _own_arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of a command without those that Django gives to every command."""
    of_every_command = {action.dest for action in _arguments(BaseCommand().create_parser("manage.py", ""))}
    return [action for action in _arguments(parser) if action.dest not in of_every_command]


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001  # argparse has no other list of them


def _usage(action: argparse.Action) -> str:
    value = str(action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper()))
    if not action.option_strings:
        return {"?": f"[{value}]", "*": f"[{value} …]"}.get(str(action.nargs), value)
    name = action.option_strings[-1]
    words = name if action.nargs == 0 else f"{name} {value}"
    return words if action.required else f"[{words}]"


def modules(package: str) -> Iterator[Row]:
    """The modules of a package, each with the first line of its docstring."""
    for file in sorted((BASE / package).rglob("*.py"), key=lambda file: (file.parent, file.name)):
        path = file.relative_to(BASE)
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        if docstring and "migrations" not in path.parts:
            yield Row(str(path), (_literal(str(path)), docstring.splitlines()[0]))


def import_levels(package: str) -> Iterator[Row]:
    """The lines of the import contract of a package, from the top, each with the comment above it."""
    contract = (BASE / "pyproject.toml").read_text(encoding="utf-8").split(f'name = "{package.capitalize()}:')[1]
    comment = ""
    for number, line in enumerate(re.findall(r"^    (.+)$", contract.split("\n]\n")[0], re.MULTILINE), 1):
        if line.startswith("#"):
            comment = line.removeprefix("# ")
        else:
            modules = re.findall(rf"\b{package}\.([\w.]+)", line)
            yield Row(str(number), (_literal(*modules), comment))
            comment = ""


TABLES = {
    "flags": Table(("flag", "meaning", "removed by"), flags, added=0),
    "alarms": Table(("alarm", "email to staff", "advice in admin", "when"), alarms),
    "audit-actions": Table(("action", "meaning"), audit_actions, added=0),
    "rate-limits": Table(("what is counted", "at most", "beyond it", "why this number"), rate_limits, added=2),
    "duties": Table(("duty", "looked at", "what it does"), duties),
    "csv-columns": Table(("column", "content"), csv_columns),
    "addresses": Table(("address", "what"), addresses),
    "commands": Table(("command", "what it does"), commands, added=0),
    "import-levels": Table(("modules", "what they are"), import_levels, added=0),
    "modules": Table(("module", "what it is"), modules, added=0),
    "options": Table(("option", "meaning"), options, added=0),
}


class CodeTable(SphinxDirective):
    """A table of the code, with words of its own for each row."""

    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        table = TABLES[self.arguments[0]]
        rows = list(table.rows(" ".join(self.arguments[1:])))
        if not rows:
            raise self.error(f"the code has no rows for: {' '.join(self.arguments)}")
        lines = [table.head, ["---"] * len(table.head), *self._with_words(table, rows)]
        return self.parse_text_to_nodes("\n".join(_markdown(cells) for cells in lines))

    def _with_words(self, table: Table, rows: list[Row]) -> Iterator[list[str]]:
        words = _words(self.content)
        if unknown := words.keys() - {row.code for row in rows}:
            raise self.error(f"the code does not have: {', '.join(sorted(unknown))}")
        for row in rows:
            more = words.get(row.code, [])
            if table.added and len(more) != table.added:
                raise self.error(f"{row.code} needs {table.added} cells of words, and has {len(more)}")
            first, *cells = row.cells
            yield [*row.cells, *more] if table.added else [first, " ".join([cells[0], *more]), *cells[1:]]


def _words(lines: Iterable[str]) -> Words:
    """What the lines of a directive add: `code: cell | cell`. An indented line goes on with the one before."""
    whole = re.sub(r"\n\s+", " ", "\n".join(lines))
    pairs = (line.partition(": ") for line in whole.splitlines() if line.strip())
    return {code.strip(): [cell.strip() for cell in words.split(" | ")] for code, _colon, words in pairs}


def _markdown(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("code-table", CodeTable)
    return {"parallel_read_safe": True}
