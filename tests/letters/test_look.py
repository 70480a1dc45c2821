"""The one sheet: another organisation makes it its own by a few properties, and every pair of colours can be read."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

BASE = Path(settings.BASE_DIR)
SHEET = (BASE / "static" / "css" / "site.css").read_text(encoding="utf-8")
ROOTS = re.findall(r"^ *:root {([^}]*)}", SHEET, re.MULTILINE)
OWN_LOOK = re.search(
    r"## Colors and mark\n.*?```css\n(.*?)```", (BASE / "docs/operate/look.md").read_text(encoding="utf-8"), re.DOTALL
)

Colour = tuple[float, ...]


def properties_of(rules: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", rules))


LIGHT = properties_of(ROOTS[0])
DARK = {**LIGHT, **properties_of(ROOTS[1])}


def linear(colour: str) -> Colour:
    """A colour as light: WCAG 2.2, relative luminance."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def contrast(one: str, other: str) -> float:
    low, high = sorted(
        sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_twenty_one_to_one_and_a_colour_on_itself_one() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#7a1f1f", "#7a1f1f") == 1


WORDS = [(words, ground) for words in ("ink", "muted", "accent", "error", "success") for ground in ("paper", "background")]
ON_BUTTONS = [("accent-ink", "accent"), ("paper", "error")]
OUTLINES = [(line, ground) for line in ("edge", "accent", "error") for ground in ("paper", "background")]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_colours_can_be_read(theme: dict[str, str]) -> None:
    for words, ground in WORDS + ON_BUTTONS:
        assert contrast(theme[words], theme[ground]) >= 4.5, (words, ground)
    for line, ground in OUTLINES:
        assert contrast(theme[line], theme[ground]) >= 3, (line, ground)


def test_words_have_no_other_colours_than_those() -> None:
    """What the test above asks is all there is: colours stand in the properties alone."""
    rules = SHEET[SHEET.index("*, ::before") : SHEET.index("@media (forced-colors")]
    assert re.findall(r"#[0-9a-f]{3,8}\b", rules) == []
    told = set(re.findall(r"(?<![\w-])color: ([^;]+);", rules))
    assert told == {f"var(--{name})" for name in ("ink", "muted", "accent", "accent-ink", "error", "success", "paper")} | {
        "inherit"
    }
    assert {"var(--ink)", "var(--accent)"} <= told


def test_the_docs_rebrand_by_properties_that_the_sheet_has() -> None:
    assert OWN_LOOK, "docs/operate/look.md has a section with the lines"
    lines = OWN_LOOK[1]
    assert len(lines.strip().splitlines()) <= 10
    named = properties_of(lines)
    assert {"accent", "paper", "letterhead-mark", "letterhead-mark-size"} <= named.keys() <= LIGHT.keys()
    for name in named:
        assert f"var(--{name})" in SHEET, f"{name} has an effect"


def test_the_mark_of_the_docs_is_a_file_that_is_served() -> None:
    assert OWN_LOOK
    file = re.search(r'url\("\.\./([^"]+)"\)', OWN_LOOK[1])
    assert file, "relative to the sheet, so that it is found under its hashed name"
    assert finders.find(file[1])


def test_the_colours_of_the_docs_can_be_read_too() -> None:
    assert OWN_LOOK
    light, _, dark = OWN_LOOK[1].partition("@media")
    for theme in ({**LIGHT, **properties_of(light)}, {**DARK, **properties_of(light), **properties_of(dark)}):
        for words, ground in WORDS + ON_BUTTONS:
            assert contrast(theme[words], theme[ground]) >= 4.5, (words, ground)


def test_mails_wear_the_colours_of_the_site() -> None:
    frame = (BASE / "templates" / "emails" / "base.html").read_text(encoding="utf-8")
    inline, dark = (
        re.sub(r"<style>.*</style>", "", frame, flags=re.DOTALL),
        frame.split("prefers-color-scheme: dark")[1].split("</style>")[0],
    )
    for words, theme in ((inline, LIGHT), (dark, DARK)):
        found = set(re.findall(r"#[0-9a-f]{3,6}\b", words))
        assert {theme[name] for name in ("background", "ink", "paper", "rule", "accent", "accent-ink", "muted")} == found
