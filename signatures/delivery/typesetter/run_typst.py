"""The short-lived process that runs Typst. In the worker its cache would fill memory, and its messages quote names."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import typst

ACCESSIBLE: "list[typst.PDFStandard]" = ["ua-1", "a-2a"]
ONE_OF_SEVERAL: "list[typst.PDFStandard]" = ["a-2a"]  # a part has no main heading; the document it is joined to has
PIXELS_PER_INCH = 144  # of an image: two pixels for each of Typst's points


def typeset(folder: Path, template: str, timestamp: int, fonts: list[str], *, continues: bool) -> dict[str, Any]:
    """Makes `raw.pdf` from a template in this folder. What continues another part is judged without what is before."""
    # A missing glyph breaks the standards. Then the document is made without claiming them.
    for standards in (ONE_OF_SEVERAL if continues else ACCESSIBLE, []):
        try:
            typst.compile(
                str(folder / template),
                str(folder / "raw.pdf"),
                root=str(folder),
                font_paths=fonts,
                ignore_system_fonts=True,
                pdf_standards=standards,
                pdf_tags=True,
                timestamp=timestamp,
            )
            break
        except typst.TypstError:
            if not standards:
                raise
    return {"standards": ACCESSIBLE if standards else []}


def draw(folder: Path, template: str, fonts: list[str]) -> dict[str, Any]:
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
    return {}


if __name__ == "__main__":
    folder, template, timestamp, mode, *fonts = sys.argv[1:]
    if mode == "image":
        result = draw(Path(folder), template, fonts)
    else:
        result = typeset(Path(folder), template, int(timestamp), fonts, continues=mode == "continuing")
        if mode != "numbers":  # Typst's cache ends with this program; the process goes on with the next one
            program = str(Path(__file__).with_name("tag_names.py"))
            os.execv(sys.executable, [sys.executable, "-P", "-s", program, folder, json.dumps(result)])  # noqa: S606  # no shell
    sys.stdout.write(json.dumps(result))
