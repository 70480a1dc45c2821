"""The delivered document: a letter on its letterhead, everybody who signed it, and the record of how they were counted.

`write(letter, entries, counts=…, out=…, timestamp=…)` makes it, whole or not at all. `entries` may be any iterable,
also one that streams from the database; they come in the order in which they shall stand, section by section
(`section_of`), and are numbered from 1 as they come. `record` adds what makes a delivery checkable. `options` choose
paper, language of the frame, parts, and DRAFT across each page. `work.progress` is told how many names are set, of how
many; `work.stopped` is asked several times a second whether to give up: then `Stopped` is raised and nothing is left.

Up to `work.in_one` names, Typst makes one document with tags (PDF/UA-1, PDF/A-2a). Beyond, sets of names are typeset
apart and joined: that keeps the memory small and costs the tags, so PDF/A-2u alone is claimed, and the report says so.
`names_in(file)` reads back, from the file itself, how many names were set in it.
The same input makes the same bytes, wherever and whenever: `timestamp` should be the moment of the freezing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from signatures.delivery.pdf.document import (
    DEFAULT_OPTIONS,
    Block,
    BoardMember,
    Counts,
    Entry,
    LetterData,
    Letterhead,
    Options,
    Record,
    Report,
    Signatory,
    Span,
    Text,
    section_of,
)
from signatures.delivery.pdf.name_count import name_count
from signatures.delivery.pdf.preparation import Preparation
from signatures.delivery.pdf.processes import PdfFailed, ProcessStopped
from signatures.delivery.pdf.share_image import SHARE_IMAGE_SIZE, ShareImage, render_share_image, share_image_design
from signatures.delivery.pdf.typesetting import NO_PROGRESS, Typesetting, Work
from signatures.delivery.pdf.wording import Wording, languages

__all__ = [
    "SHARE_IMAGE_SIZE",
    "Block",
    "BoardMember",
    "Counts",
    "Entry",
    "LetterData",
    "Letterhead",
    "Options",
    "PdfFailed",
    "ProcessStopped",
    "Record",
    "Report",
    "ShareImage",
    "Signatory",
    "Span",
    "Text",
    "Wording",
    "Work",
    "languages",
    "name_count",
    "render_share_image",
    "section_of",
    "share_image_design",
    "write",
]  # fmt: skip


def write(
    letter: LetterData,
    entries: Iterable[Entry],
    *,
    counts: Counts | None,
    out: Path,
    timestamp: datetime,
    record: Record | None = None,
    options: Options = DEFAULT_OPTIONS,
    fonts: Sequence[Path] = (),
    work: Work = NO_PROGRESS,
) -> Report:
    """Write the PDF to `out`, whole or not at all. `counts=None` writes the letter alone.

    Raises:
        PdfFailed: when the typesetter does not make it; the message holds no word of the letter and no name.
        Stopped: when `work.stopped` said so.
        ValueError: when the entries are not as many as counted, or the time has no zone.
    """
    if counts and counts.total != counts.named + counts.counted_only:
        raise ValueError("the counts do not add up")
    if counts is None and options.parts == "names":
        raise ValueError("names alone need their counts")
    if timestamp.tzinfo is None:
        raise ValueError("the time needs a time zone, or each machine would make other bytes")
    preparation = Preparation(letter, counts, record, options, fonts)
    # Beside `out`, so that the last step is a rename; the names it holds go with it, whatever happens.
    with TemporaryDirectory(dir=out.parent, prefix=".pdf-") as name:
        setting = Typesetting(preparation, Path(name), int(timestamp.timestamp()), work)
        made = setting.in_one(entries) if preparation.named <= work.in_one else setting.in_sets(entries)
        (Path(name) / "made.pdf").replace(out)
    missing = [f"U+{point:04X}" for point in sorted(preparation.boxed)]
    return Report(made["pages"], preparation.named, missing, made["standards"])
