"""The dark theme changes colors alone, so that all other rules of accessibility need one theme (`tests.browser.matrix`)."""

import re
from pathlib import Path

import pytest

from tests.prepared import BASE

STYLES = sorted((BASE / "static" / "css").glob("*.css"))
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{(?P<rules>(?:[^{}]*\{[^{}]*\})*)\s*\}")
OF_COLOR = re.compile(r"--[\w-]+|color|background(-color)?|border-color")
MADE_FOR_PAPER = (".letterhead img", "padding")  # a logo on its light ground


def changed_in(style: str) -> list[tuple[str, str]]:
    """Returns what the dark theme sets beside colors: selector and property."""
    rules = "".join(found["rules"] for found in DARK.finditer(style))
    found = [
        (selector.strip(), declaration.partition(":")[0].strip())
        for selector, declarations in re.findall(r"([^{}]+)\{([^{}]*)\}", rules)
        for declaration in declarations.split(";")
        if declaration.strip()
    ]
    return [one for one in found if not OF_COLOR.fullmatch(one[1]) and one != MADE_FOR_PAPER]


@pytest.mark.parametrize("file", STYLES, ids=lambda file: file.name)
def test_the_dark_theme_changes_colors_alone(file: Path) -> None:
    style = file.read_text(encoding="utf-8")
    assert len(DARK.findall(style)) == style.count("prefers-color-scheme: dark")
    assert changed_in(style) == []


def test_what_hides_something_in_the_dark_is_found() -> None:
    hidden = "@media (prefers-color-scheme: dark) { :root { --ink: #fff; } p { display: none; color: red } }"
    assert changed_in(hidden) == [("p", "display")]
