"""The delivered document: a letter on its letterhead, everybody who signed it, and an annex on how they were counted.

`write` makes it, complete or not at all. `entries` may be any iterable, also one that streams from the database. They
come in their final order, section by section (`section_of`), and are numbered from 1. `record` adds what makes a
delivery checkable. `options` choose paper, language of the wording, parts, and DRAFT across each page.
`control.on_progress` is called with the number of names that are typeset and their total; `control.is_canceled` is
called several times a second.

Every document is tagged (PDF/UA-1, PDF/A-2a), with one item of a list for each signatory. Beyond `control.set_size`
names, sets of them are typeset apart, in short-lived processes, and joined with their tags: memory stays small.
`name_count` reads the number of names back from the file.

The same input gives the same bytes, wherever and whenever: `timestamp` should be the moment of the freezing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from signatures.delivery.pdf.document import (
    DEFAULT_OPTIONS,
    PAPERS,
    VOLUME_PAGES,
    BoardMember,
    Counts,
    Entry,
    LetterData,
    Letterhead,
    Options,
    Paper,
    Record,
    Report,
    Signatory,
    Volume,
    section_of,
    volume_path,
)
from signatures.delivery.pdf.name_count import name_count
from signatures.delivery.pdf.processes import JobCanceled, PdfFailed, Press
from signatures.delivery.pdf.share_image import SHARE_IMAGE_SIZE, ShareImage, render_share_image, typeset_design
from signatures.delivery.pdf.survey import Boxed, Survey, nearly_empty_pages
from signatures.delivery.pdf.typesetting import DEFAULT_CONTROL, MODULES, JobControl, Typesetting
from signatures.delivery.pdf.typst_input import TypstInput
from signatures.delivery.pdf.volumes import VolumeTypesetting
from signatures.delivery.pdf.wording import Wording, languages


def write(  # noqa: PLR0913  # all but two by keyword
    letter: LetterData,
    entries: Iterable[Entry],
    *,
    counts: Counts | None,
    out: Path,
    timestamp: datetime,
    record: Record | None = None,
    further: Sequence[LetterData] = (),
    options: Options = DEFAULT_OPTIONS,
    fonts: Sequence[Path] = (),
    control: JobControl = DEFAULT_CONTROL,
) -> Report:
    """Writes the PDF to `out`, complete or not at all. `counts=None` writes the letter alone.

    `further` is the letter in other languages, each on pages of its own behind the first. With `options.volume_pages`
    there are several files, which `volume_path` names, and none at `out` itself.

    Raises:
        PdfFailed: the typesetter does not make it. The message holds no word of the letter and no name.
        OSError: the system refused something, such as space on the disk.
        JobCanceled: `control.is_canceled` returned true.
        ValueError: the entries are not as many as counted, or the time has no zone.
    """
    if counts and counts.total != counts.named + counts.counted_only + counts.elsewhere:
        raise ValueError("the counts do not add up")
    if counts is None and options.parts == "names":
        raise ValueError("names alone need their counts")
    if timestamp.tzinfo is None:
        raise ValueError("the time needs a time zone, or each machine would make other bytes")
    typst_input = TypstInput(letter, counts, record, options, fonts, tuple(further))
    # Beside `out`, so that the last step is a rename. The folder holds names; it is deleted whatever happens.
    with TemporaryDirectory(dir=out.parent, prefix=".pdf-") as name, Press(*MODULES) as press:
        kind = VolumeTypesetting if options.volume_pages else Typesetting
        typesetting = kind(typst_input, Path(name), int(timestamp.timestamp()), control, press)
        result = typesetting.run(entries)
        for made, path in typesetting.files(out):
            made.replace(path)
    missing = [f"U+{point:04X}" for point in sorted(typst_input.boxed)]
    return Report(result["pages"], typst_input.named, missing, result["standards"], result.get("volumes", ()))
