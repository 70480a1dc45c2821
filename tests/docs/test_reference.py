"""The reference names every setting and every command of the code, and none that is not there."""

import ast
import html
import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest
from django.urls import resolve

from campaign.runtime.environment import NAMES
from signatures.registries import AlarmCode, AuditAction, Flag
from tests.docs.pages import BASE, page, pages

OF_DJANGO = {"ENGINE", "OPTIONS"}  # keys of its settings, not of the environment
OF_TESTS = {"REQUIRE_BROWSER", "REQUIRE_PROGRAMS", "REQUIRE_PROXIES", "REQUIRE_SYSTEMD"}
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


def codes_of(page: Path) -> list[str]:
    """What the first cell of each row of a built page shows as code."""
    cells = re.findall(r"<tr[^>]*>\s*<td[^>]*>(.*?)</td>", page.read_text(encoding="utf-8"), re.DOTALL)
    found = [re.findall(r"<code[^>]*>(.*?)</code>", cell, re.DOTALL) for cell in cells]
    return [html.unescape(re.sub("<[^>]+>", "", code)) for codes in found for code in codes]


def test_every_setting_is_described_and_no_other() -> None:
    described = set(rows(page("reference/settings.md")))
    assert len(described) > 20
    assert described - OF_TESTS == settings_of_the_code()


def test_every_setting_that_can_be_read_is_read() -> None:
    assert settings_of_the_code() == NAMES


def test_every_setting_is_in_the_example() -> None:
    example = (BASE / ".env.example").read_text(encoding="utf-8")
    assert [
        name for name in sorted(settings_of_the_code()) if not re.search(rf"^#?{name}=", example, re.MULTILINE)
    ] == []


@pytest.mark.slow
def test_every_command_is_described_and_no_other(site: Path) -> None:
    described = [code.split()[0] for code in codes_of(site / "reference" / "commands.html")]
    assert {name for name in described if not name.startswith(("-", "uv"))} == commands_of_the_code()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "registry"), [("flags", Flag), ("alarms", AlarmCode), ("audit-actions", AuditAction)])
def test_every_registered_code_is_described_once_and_no_other(site: Path, name: str, registry: type[StrEnum]) -> None:
    assert sorted(codes_of(site / "reference" / f"{name}.html")) == sorted(registry)


def test_every_public_address_is_described(site: Path) -> None:
    described = {re.sub(r"<\w+>", "", code) for code in codes_of(site / "reference" / "addresses.html")}
    paths = {re.sub(r"<\w+:\w+>", "", path) for path in addresses_of_the_code()}
    assert len(paths) > 20
    assert paths - described == set()


EXAMPLES = {
    "slug": "bridge", "number": "1", "public_id": "0a4d4c8e-5f0e-4f6e-9a55-0d7bb1d6d2ce", "token": "a-token",
    "color": "0b5a5a", "digest": "0" * 64, "code": "ko",
}  # fmt: skip
BY_MIDDLEWARE = {"/healthz", "/readyz", "/arrival"}  # answered before there is a view


def test_every_address_that_is_described_is_one_of_the_code(site: Path) -> None:
    described = [code for code in codes_of(site / "reference" / "addresses.html") if code.startswith("/")]
    paths = {re.sub(r"<(\w+)>", lambda found: EXAMPLES[found[1]], code) for code in described} - BY_MIDDLEWARE
    assert "/letters/bridge/letter.pdf" in paths and len(paths) > 40
    assert [path for path in sorted(paths) if not resolve(path)] == []


def addresses_of_the_code() -> set[str]:
    modules = [(BASE / name / "urls.py").read_text(encoding="utf-8") for name in ("campaign", "signatures")]
    return {"/" + path for text in modules for path in re.findall(r'path\("([^"]*)", (?!include)', text)}


@pytest.mark.slow
def test_an_unknown_or_missing_row_fails_the_build(tmp_path: Path) -> None:
    """A table of the code whose line names no row, and one that leaves a row without its words."""
    wrong = {
        "unknown": "```{code-table} flags screening\nnonsense: Nothing.\n```",
        "missing": "```{code-table} csv-columns\nnumber: counts\n```",
    }
    for name, text in wrong.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.md").write_text(f"# A page\n\n{text}\n")
        command = [sys.executable, "-W", "default", "-m", "sphinx", "-q", "-W", "-c", str(BASE / "docs"), "-b", "dummy"]
        done = subprocess.run(
            [*command, str(tmp_path / name), str(tmp_path / f"{name}-out")],
            cwd=BASE, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert {"unknown": "the code does not have: nonsense", "missing": "kind needs 1 cells"}[name] in done.stderr


def test_every_command_line_on_any_page_is_a_command() -> None:
    known = commands_of_the_code() | BUILT_IN | {"…"}
    said = {
        (str(file.relative_to(BASE)), command)
        for file in [*pages(), BASE / "README.md", BASE / "CONTRIBUTING.md", BASE / "SECURITY.md"]
        for command in re.findall(r"manage\.py (\S+?)(?=[\s`:,.]|$)", file.read_text(encoding="utf-8"))
    }
    assert {(file, command) for file, command in said if command not in known} == set()


def test_the_lines_that_the_tour_explains_are_printed() -> None:
    serve = (BASE / "campaign" / "management" / "commands" / "serve.py").read_text(encoding="utf-8")
    serve += (BASE / "signatures" / "staff" / "first_account.py").read_text(encoding="utf-8")
    starts = [line.partition(":")[0] + ":" for line in rows(page("start/tour.md"))]
    assert len(starts) >= 4
    assert [start for start in starts if start not in serve] == []


# A path in backticks, without a placeholder in it.
PATH = re.compile(r"`((?:campaign|signatures|templates|static|tests|docs|\.ci)/[\w./-]*)`")


@pytest.mark.parametrize("file", pages(), ids=lambda file: file.stem)
def test_every_file_that_a_page_names_is_there(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert [path for path in PATH.findall(text) if not (BASE / path).exists()] == []
    modules = re.findall(r"python -m (tests[\w.]*)", text)
    paths = (BASE.joinpath(*module.split(".")) for module in modules)
    assert [path.name for path in paths if not path.is_dir() and not path.with_suffix(".py").exists()] == []


def test_the_tree_of_the_architecture_is_that_of_the_repository() -> None:
    """Each name on the left is there, below the folder it is indented under; and no folder of a package is missing."""
    tree = page("develop/architecture.md").split("```text\n")[1].split("```")[0]
    drawn: set[str] = set()
    above: list[str] = []
    for line in tree.splitlines():
        level = (len(line) - len(line.lstrip())) // 2
        names = [name for name in line.split() if re.fullmatch(r"[\w.]+(/|\.py)", name)]
        drawn |= {"".join([*above[:level], name]) for name in names}
        above[level:] = names[:1]
    assert [path for path in drawn if not (BASE / path).exists()] == []
    folders = {
        f"{folder.relative_to(BASE)}/"
        for package in ("campaign", "signatures")
        for folder in (BASE / package).iterdir()
        if folder.is_dir() and (folder / "__init__.py").exists()
    }
    assert folders - drawn == set()


WHERE = re.compile(r"^\| [^|`]+ \| `([^`]+)` \| `([^`]+)` \|$", re.MULTILINE)


@pytest.mark.parametrize(("path", "name"), WHERE.findall(page("develop/where-is.md")))
def test_where_is_names_a_file_and_a_name_in_it(path: str, name: str) -> None:
    text = (BASE / path).read_text(encoding="utf-8")
    assert re.search(rf"\b{name}\b", text)


def test_where_is_answers_twenty_questions() -> None:
    assert len(WHERE.findall(page("develop/where-is.md"))) == 20
