"""The short-lived process that draws a page as an image: like `run_typst`, it leaves nothing in memory."""

import json
import sys
from pathlib import Path

import typst

PIXELS_PER_INCH = 144  # two pixels for each of Typst's points


def draw(folder: Path, template: str, fonts: list[str]) -> None:
    """Makes `made.png` from the first page of a template in this folder."""
    typst.compile(
        str(folder / template),
        str(folder / "made.png"),
        format="png",
        ppi=PIXELS_PER_INCH,
        root=str(folder),
        font_paths=fonts,
        ignore_system_fonts=True,
    )


if __name__ == "__main__":
    folder, template, *fonts = sys.argv[1:]
    draw(Path(folder), template, fonts)
    sys.stdout.write(json.dumps({}))
