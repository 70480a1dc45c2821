"""The style sheet: custom properties for an own look, and enough contrast."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from campaign.letters.look import Look

BASE = Path(settings.BASE_DIR)
SHEET = (BASE / "static" / "css" / "site.css").read_text(encoding="utf-8")
ROOTS = re.findall(r"^ *:root {([^}]*)}", SHEET, re.MULTILINE)
OWN_LOOK = re.search(
    r"## Colors\n.*?```css\n(.*?)```", (BASE / "docs/operate/look.md").read_text(encoding="utf-8"), re.DOTALL
)

Color = tuple[float, ...]


def properties_of(rules: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", rules))


LIGHT = properties_of(ROOTS[0])
DARK = {**LIGHT, **properties_of(ROOTS[1])}


def linear(color: str) -> Color:
    """Returns the linear color components (WCAG 2.2, relative luminance)."""
    digits = color.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def contrast(one: str, other: str) -> float:
    low, high = sorted(
        sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other)
    )
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21_and_of_a_color_on_itself_1() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#7a1f1f", "#7a1f1f") == 1


TEXT = [(text, ground) for text in ("ink", "muted", "accent", "error", "success") for ground in ("paper", "background")]
ON_BUTTONS = [("accent-ink", "accent"), ("paper", "error")]
OUTLINES = [(line, ground) for line in ("edge", "accent", "error") for ground in ("paper", "background")]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_colors_has_enough_contrast(theme: dict[str, str]) -> None:
    for text, ground in TEXT + ON_BUTTONS:
        assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)
    for line, ground in OUTLINES:
        assert contrast(theme[line], theme[ground]) >= 3, (line, ground)


def test_colors_are_defined_in_properties_only() -> None:
    """So the test above covers all colors: rules use properties only."""
    rules = SHEET[SHEET.index("*, ::before") : SHEET.index("@media (forced-colors")]
    assert re.findall(r"#[0-9a-f]{3,8}\b", rules) == []
    used = set(re.findall(r"(?<![\w-])color: ([^;]+);", rules))
    assert used == {f"var(--{name})" for name in ("ink", "muted", "accent", "accent-ink", "error", "success")} | {
        "inherit"
    }
    assert {"var(--ink)", "var(--accent)"} <= used


def test_the_docs_name_only_properties_of_the_style_sheet() -> None:
    assert OWN_LOOK, "docs/operate/look.md has a section with the lines"
    lines = OWN_LOOK[1]
    assert len(lines.strip().splitlines()) <= 10
    named = properties_of(lines)
    assert {"accent", "paper"} <= named.keys() <= LIGHT.keys()
    for name in named:
        assert f"var(--{name})" in SHEET, f"{name} has an effect"


def test_the_colors_of_the_docs_have_enough_contrast() -> None:
    assert OWN_LOOK
    light, _, dark = OWN_LOOK[1].partition("@media")
    for theme in ({**LIGHT, **properties_of(light)}, {**DARK, **properties_of(light), **properties_of(dark)}):
        for text, ground in TEXT + ON_BUTTONS:
            assert contrast(theme[text], theme[ground]) >= 4.5, (text, ground)


def test_emails_have_the_colors_of_the_site() -> None:
    folder = BASE / "templates" / "emails"
    template, button = ((folder / name).read_text(encoding="utf-8") for name in ("base.html", "link_button.html"))
    inline, dark = (
        re.sub(r"<style>.*</style>", "", template, flags=re.DOTALL) + button,
        template.split("prefers-color-scheme: dark")[1].split("</style>")[0],
    )
    for words, theme in ((inline, LIGHT), (dark, DARK)):
        found = set(re.findall(r"#[0-9a-f]{3,6}\b", words)) - {
            LIGHT["accent-ink"],
            "#fffffe",
        }  # which programs that invert #fff leave alone
        assert {theme[name] for name in ("background", "ink", "paper", "rule", "muted")} == found
    assert Look() == Look(LIGHT["accent"], DARK["accent"], DARK["accent-ink"]), "emails take these from the code"
