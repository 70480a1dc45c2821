"""The short-lived process that runs Typst. In the worker its cache would fill memory, and its messages quote names."""

import json
import sys
from pathlib import Path
from typing import Any

import pikepdf
import typst

ACCESSIBLE: "list[typst.PDFStandard]" = ["ua-1", "a-2a"]
FOR_JOINING: "list[typst.PDFStandard]" = ["a-2u"]
PIXELS_PER_INCH = 144  # of an image: two pixels for each of Typst's points


def typeset(folder: Path, template: str, timestamp: int, fonts: list[str], *, joining: bool) -> dict[str, Any]:
    """Makes `made.pdf` from a template in this folder. A part that will be joined with others carries no tags."""
    # A missing glyph breaks the standards. Then the document is made without claiming them.
    for standards in (FOR_JOINING if joining else ACCESSIBLE, []):
        try:
            typst.compile(
                str(folder / template),
                str(folder / "raw.pdf"),
                root=str(folder),
                font_paths=fonts,
                ignore_system_fonts=True,
                pdf_standards=standards,
                pdf_tags=not joining,
                timestamp=timestamp,
            )
            break
        except typst.TypstError:
            if not standards:
                raise
    with pikepdf.open(folder / "raw.pdf") as pdf:
        pages = len(pdf.pages)
        if not joining:
            pdf.save(folder / "made.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
    if joining:
        (folder / "raw.pdf").rename(folder / "made.pdf")
    return {"pages": pages, "standards": standards}


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
        result = typeset(Path(folder), template, int(timestamp), fonts, joining=mode == "joining")
    sys.stdout.write(json.dumps(result))
