"""The look of a letter: its color, as custom properties for the style sheets and as values for emails."""

from dataclasses import dataclass

from django.urls import reverse

from campaign.letters import colors
from campaign.models import Letter


@dataclass(frozen=True, slots=True)
class Look:
    """Colors of links and buttons. The defaults are those of site.css."""

    accent: str = "#7a1f1f"
    dark_accent: str = "#e3a693"  # in the dark theme
    dark_button_text: str = "#241310"

    @classmethod
    def of_color(cls, color: str) -> "Look":
        """Returns the look in this color.

        Raises:
            ValueError: words of this color could not be read, or it is not written #rrggbb.
        """
        if not colors.legible_on_paper(color):
            raise ValueError("words of this color could not be read")
        return cls(color, colors.for_dark(color), colors.DARK_BUTTON_TEXT)

    def style_sheet(self) -> str:
        light = f":root{{--accent:{self.accent};--accent-ink:{colors.LIGHT_BUTTON_TEXT}}}"
        dark = f":root{{--accent:{self.dark_accent};--accent-ink:{self.dark_button_text}}}"
        return f"{light}\n@media(prefers-color-scheme:dark){{{dark}}}\n"


SITE_LOOK = Look()


def look_of(letter: Letter | None) -> Look:
    """Returns the look of a letter, or the site's if it has no color that can be read."""
    try:
        return Look.of_color(letter.accent_color.lower()) if letter else SITE_LOOK
    except ValueError:
        return SITE_LOOK


def style_sheet_address(letter: Letter | None) -> str:
    """Returns the address of the style sheet with the color of a letter, or "" if it has the look of the site."""
    look = look_of(letter)
    return "" if look == SITE_LOOK else reverse("look", args=[look.accent.removeprefix("#")])
