"""The short-lived process that runs Typst: its cache would stay in memory, and its messages quote the names."""

import json
import sys
from pathlib import Path
from typing import Any

import pikepdf
import typst

STANDARDS: "list[typst.PDFStandard]" = ["ua-1", "a-2a"]


def typeset(folder: Path, timestamp: int, fonts: list[str]) -> dict[str, Any]:
    for standards in (STANDARDS, []):  # a glyph missing after all costs the seal, never the document
        try:
            typst.compile(
                str(folder / "letter.typ"),
                str(folder / "raw.pdf"),
                root=str(folder),
                font_paths=fonts,
                ignore_system_fonts=True,
                pdf_standards=standards,
                timestamp=timestamp,
            )
            break
        except typst.TypstError:
            if not standards:
                raise
    with pikepdf.open(folder / "raw.pdf") as pdf:
        pdf.save(folder / "letter.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
        return {"pages": len(pdf.pages), "standards": standards}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(typeset(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])))
