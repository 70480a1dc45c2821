"""Runs Typst, in a short-lived process. In the worker its cache would fill memory, and its messages quote names."""

from pathlib import Path
from typing import Any

import typst

ACCESSIBLE: "list[typst.PDFStandard]" = ["ua-1", "a-2a"]
ONE_OF_SEVERAL: "list[typst.PDFStandard]" = ["a-2a"]  # a part has no main heading; the document it is joined to has
PIXELS_PER_INCH = 144  # of an image: two pixels for each of Typst's points


def typeset(folder: str, template: str, timestamp: int, fonts: str, *, continues: bool) -> dict[str, Any]:
    """Makes `raw.pdf` from a template in this folder. What continues another part is judged without what is before."""
    # A missing glyph breaks the standards. Then the document is made without claiming them.
    for standards in (ONE_OF_SEVERAL if continues else ACCESSIBLE, []):
        try:
            # Written by Python, whose error has the number that the operator needs: Typst's has words alone.
            made = typst.compile(
                str(Path(folder, template)),
                root=folder,
                font_paths=[fonts],
                ignore_system_fonts=True,
                pdf_standards=standards,
                pdf_tags=True,
                timestamp=timestamp,
            )
            Path(folder, "raw.pdf").write_bytes(made)
            break
        except typst.TypstError:
            if not standards:
                raise
    return {"standards": ACCESSIBLE if standards else []}


def draw(folder: str, template: str, fonts: str) -> dict[str, Any]:
    """Makes `made.png` from the first page of a template in this folder."""
    made = typst.compile(
        str(Path(folder, template)),
        format="png",
        ppi=PIXELS_PER_INCH,
        root=folder,
        font_paths=[fonts],
        ignore_system_fonts=True,
    )
    Path(folder, "made.png").write_bytes(made)
    return {}
