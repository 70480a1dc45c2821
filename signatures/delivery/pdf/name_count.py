"""The number of names in a finished document, for programs. `typst_input` writes it into the keywords."""

from typing import IO, BinaryIO, cast

from campaign.runtime.regular_expressions import linear

_NAMES = linear(r"\A(\d+) names?(?:, |$)")


def name_count(file: IO[bytes]) -> int | None:
    """Returns the number of names that this PDF says it has; None if it has no such keyword, or is broken."""
    import pikepdf  # noqa: PLC0415  # large, and only needed here in the worker and in commands

    try:
        with pikepdf.open(cast("BinaryIO", file)) as document:
            keyword = _NAMES.match(str(document.docinfo.get("/Keywords", "")))
    except pikepdf.PdfError:
        return None
    return int(keyword[1]) if keyword else None
