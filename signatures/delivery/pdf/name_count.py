"""What a finished document tells a program: how many names were set in it."""

import re
from typing import IO, BinaryIO, cast


def name_count_keyword(number: int) -> list[str]:
    """The keywords of the document. Nothing is written unless as many names were set as this says."""
    return [f"{number} names"] if number else []


def name_count(file: IO[bytes]) -> int | None:
    """How many names this PDF says it has; None when it is none of ours, or broken."""
    import pikepdf

    try:
        with pikepdf.open(cast("BinaryIO", file)) as document:
            told = re.fullmatch(r"(\d+) names", str(document.docinfo.get("/Keywords", "")))
    except pikepdf.PdfError:
        return None
    return int(told[1]) if told else None
