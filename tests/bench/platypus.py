"""The base of the PDF: ReportLab's Platypus typesets the same entries, as Latin letters, in one built-in font."""

import csv
import json
import sys
import time
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate, Paragraph


def peak(process: str = "self") -> float:
    """Returns the peak memory of a process in MiB; `ru_maxrss` would include its parent."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError):
        return 0.0  # it has just ended


def in_latin(words: str) -> str:
    """Returns words of the same length, as distinct as before."""
    return "".join(c if c.isascii() else chr(ord("a") + ord(c) % 26) for c in words)


def main(entries: str, out: str) -> None:
    """Writes two columns, with a paragraph for each row of the exported CSV."""
    with Path(entries).open(encoding="utf-8-sig", newline="") as file:
        rows = [
            (row["name"], ", ".join(filter(None, (row["role"], row["organization"], row["country"]))))
            for row in csv.DictReader(file)
        ]
    style = getSampleStyleSheet()["BodyText"]
    style.fontSize, style.leading, style.spaceBefore = 8, 10, 0
    started = time.perf_counter()
    width, height = A4
    frames = [Frame(40 + side * (width - 80) / 2, 40, (width - 80) / 2, height - 80) for side in (0, 1)]
    document = BaseDocTemplate(out, pagesize=A4)
    document.addPageTemplates(PageTemplate(frames=frames))
    document.build(
        [Paragraph(f"<b>{escape(in_latin(name))}</b> {escape(in_latin(said))}", style) for name, said in rows]
    )
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak(), "names": len(rows)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
