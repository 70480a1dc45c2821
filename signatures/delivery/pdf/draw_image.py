"""The short-lived process that draws a page as a picture: like `typeset`, it leaves nothing in memory."""

import json
import sys
from pathlib import Path

import typst

DOTS_TO_THE_INCH = 144  # two for each of Typst's points


def draw(folder: Path, template: str, fonts: list[str]) -> None:
    """Make `made.png` of the first page of a template in this folder."""
    typst.compile(
        str(folder / template),
        str(folder / "made.png"),
        format="png",
        ppi=DOTS_TO_THE_INCH,
        root=str(folder),
        font_paths=fonts,
        ignore_system_fonts=True,
    )


if __name__ == "__main__":
    where, template, *fonts = sys.argv[1:]
    draw(Path(where), template, fonts)
    sys.stdout.write(json.dumps({}))
