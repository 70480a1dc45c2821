"""The color that a letter may have: it can be read on the page and on a button, in the light and in the dark."""

import re

import pytest
from django.conf import settings

from campaign.letters import colors

LEGIBLE = ["#000000", "#7a1f1f", "#0b5a5a", "#1f4f7a", "#5b2a86", "#0000ff"]
FAINT = ["#ffffff", "#ffd200", "#8a8a8a", "#e3a693"]


@pytest.mark.parametrize(
    ("first", "second", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#000000", 21.0),
        ("#336699", "#336699", 1.0),
        ("#767676", "#ffffff", 4.54),  # the gray that WCAG names as the lightest that is enough on white
        ("#FF0000", "#ffffff", 4.00),
    ],
)
def test_the_contrast_is_that_of_wcag(first: str, second: str, ratio: float) -> None:
    assert colors.contrast_ratio(first, second) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("color", LEGIBLE)
def test_a_dark_color_can_be_read_on_paper(color: str) -> None:
    assert colors.legible_on_paper(color)


@pytest.mark.parametrize("color", FAINT)
def test_a_light_color_cannot_be_read_on_paper(color: str) -> None:
    assert not colors.legible_on_paper(color)


def test_the_page_decides_because_white_is_lighter() -> None:
    assert colors.contrast_ratio("#747474", "#ffffff") >= colors.LEGIBLE, "enough on a button"
    assert not colors.legible_on_paper("#747474"), "not enough on the page"


@pytest.mark.parametrize("color", [*LEGIBLE, *FAINT])
def test_in_the_dark_every_color_can_be_read(color: str) -> None:
    dark = colors.for_dark(color)
    assert colors.contrast_ratio(dark, colors.DARK_BACKGROUND) >= 4.5
    assert colors.contrast_ratio(dark, colors.DARK_BUTTON_TEXT) >= 4.5


def test_in_the_dark_a_light_color_stays_as_it_is() -> None:
    assert colors.for_dark("#ffd200") == "#ffd200"


@pytest.mark.parametrize("color", ["", "red", "#fff", "#12345g", "#1234567", "#123456\n", "red;} body{display:none"])
def test_what_is_no_color_is_refused(color: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        colors.legible_on_paper(color)


def test_the_backgrounds_are_those_of_the_style_sheets() -> None:
    sheets = settings.BASE_DIR / "static" / "css"
    for name in ("site.css", "embed.css"):
        light, dark = re.findall(r"--paper: (#\w{6})", (sheets / name).read_text())[:2]
        assert dark == colors.DARK_BACKGROUND
        assert colors.contrast_ratio(light, "#000000") > colors.contrast_ratio(colors.LIGHT_BACKGROUND, "#000000")
    assert f"--background: {colors.LIGHT_BACKGROUND}" in (sheets / "site.css").read_text()
