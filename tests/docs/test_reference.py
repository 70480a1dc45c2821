"""The reference names every setting and every command of the code, and none that is not there."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import BASE, page, pages

OF_DJANGO = {"ENGINE", "OPTIONS"}  # keys of its settings, not of the environment
OF_TESTS = {"REQUIRE_BROWSER"}
BUILT_IN = {"check", "migrate", "changepassword", "createsuperuser"}  # Django's own commands that we describe


def settings_of_the_code() -> set[str]:
    """The names that the settings module reads from the environment: the first argument of a call, in capitals."""
    tree = ast.parse((BASE / "campaign" / "settings.py").read_text(encoding="utf-8"))
    first = (call.args[0] for call in ast.walk(tree) if isinstance(call, ast.Call) and call.args)
    names = {word.value for word in first if isinstance(word, ast.Constant) and isinstance(word.value, str)}
    return {name for name in names if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)} - OF_DJANGO


def commands_of_the_code() -> set[str]:
    files = (file for name in ("campaign", "signatures") for file in (BASE / name).glob("management/commands/*.py"))
    return {file.stem for file in files if not file.stem.startswith("_")}


def rows(text: str) -> list[str]:
    """What stands in backticks in the first cell of each row of a table."""
    cells = re.findall(r"^\| (`[^|]*(?:\\\|[^|]*)*) \|", text, re.MULTILINE)
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def test_every_setting_is_described_and_no_other() -> None:
    described = set(rows(page("reference/settings.md")))
    assert len(described) > 20
    assert described - OF_TESTS == settings_of_the_code()


def test_every_setting_is_in_the_example() -> None:
    example = (BASE / ".env.example").read_text(encoding="utf-8")
    assert [
        name for name in sorted(settings_of_the_code()) if not re.search(rf"^#?{name}=", example, re.MULTILINE)
    ] == []


def test_every_command_is_described_and_no_other() -> None:
    cells = rows(page("reference/commands.md"))
    described = {cell.split()[0] for cell in cells if not cell.startswith(("-", "uv "))}
    assert len(described) > 15
    assert described - BUILT_IN == commands_of_the_code()


def test_every_command_line_on_any_page_is_a_command() -> None:
    known = commands_of_the_code() | BUILT_IN | {"…"}
    said = {
        (str(file.relative_to(BASE)), command)
        for file in [*pages(), BASE / "README.md", BASE / "CONTRIBUTING.md", BASE / "SECURITY.md"]
        for command in re.findall(r"manage\.py (\S+?)(?=[\s`:,.]|$)", file.read_text(encoding="utf-8"))
    }
    assert {(file, command) for file, command in said if command not in known} == set()


# A path in backticks, without a placeholder in it.
PATH = re.compile(r"`((?:campaign|signatures|templates|static|tests|docs|\.ci)/[\w./-]*)`")


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.stem)
def test_every_file_that_a_page_names_is_there(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert [path for path in PATH.findall(text) if not (BASE / path).exists()] == []
    modules = re.findall(r"python -m (tests[\w.]*)", text)
    paths = (BASE.joinpath(*module.split(".")) for module in modules)
    assert [path.name for path in paths if not path.is_dir() and not path.with_suffix(".py").exists()] == []
