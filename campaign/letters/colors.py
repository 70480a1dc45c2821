"""The color of a letter: whether it can be read on our pages, and what becomes of it in the dark (WCAG 2.2).

All colors are written `#rrggbb`. A color that is written in another way raises ValueError.
"""

from campaign.runtime.regular_expressions import linear

LEGIBLE = 4.5  # contrast that text needs (WCAG 2.2, 1.4.3)
# Of site.css, embed.css and the emails. Words and links are on both, so the one that is nearer to them decides.
LIGHT_BACKGROUND, LIGHT_BUTTON_TEXT = "#f3efe6", "#ffffff"
DARK_BACKGROUND, DARK_BUTTON_TEXT = "#211f1b", "#161512"
_STEPS = 20  # from a color to white

_COLOR = linear(r"\A#[0-9A-Fa-f]{6}\Z")


def contrast_ratio(first: str, second: str) -> float:
    """Returns the contrast of two colors, from 1 (the same) to 21 (black and white), in whichever order."""
    lower, higher = sorted((_luminance(first), _luminance(second)))
    return (higher + 0.05) / (lower + 0.05)


def legible_on_paper(color: str) -> bool:
    """Returns whether words of this color can be read on the page, and white words on a button of it."""
    return all(contrast_ratio(color, other) >= LEGIBLE for other in (LIGHT_BACKGROUND, LIGHT_BUTTON_TEXT))


def for_dark(color: str) -> str:
    """Returns the color for the dark theme: mixed with white until it can be read there."""
    channels = _channels(color)
    mixed = [[round(value + (255 - value) * step / _STEPS) for value in channels] for step in range(_STEPS + 1)]
    lighter = ("#" + bytes(values).hex() for values in mixed)
    return next(one for one in lighter if contrast_ratio(one, DARK_BACKGROUND) >= LEGIBLE)


def _channels(color: str) -> bytes:
    if not _COLOR.search(color):
        raise ValueError("a color is written #rrggbb")
    return bytes.fromhex(color[1:])


def _luminance(color: str) -> float:
    """Returns the relative luminance, from 0 (black) to 1 (white)."""
    shares = (value / 255 for value in _channels(color))
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
