"""What the PDF of the list as it stands would be like: the worker typesets it, keeps nothing, and tells this.

Typesetting takes minutes where there are many names, so no request waits for it. A task's result is stored, and holds
numbers, codes and ids alone: the names that would be boxed are read again for the page that shows them.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from campaign.models import Letter
from campaign.runtime import failures
from signatures.delivery import exports, pdf, snapshot
from signatures.delivery.selection import EVERYBODY
from signatures.values import signed_texts


@dataclass(frozen=True)
class Look:
    """What a delivery officer should know before freezing."""

    pages: int
    names: int
    nearly_empty: list[int]  # numbers of pages
    boxed: list[pdf.Boxed]
    in_letter: list[str]  # code points of the letter itself that would be boxed
    # The number of the text in it, and of each other one that was signed the number and how many signatures are of it.
    text: int = 0  # what the version before this one found has neither
    of_other_texts: list[list[int]] = field(default_factory=list)


def take(letter: Letter, paper: pdf.Paper) -> dict[str, Any]:
    """Typesets a draft and throws it away. Returns what `shown` makes a `Look` of, or why it cannot be typeset."""
    survey, options = pdf.Survey(settings.FONT_DIRS), pdf.Options(paper=paper, draft=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "look.pdf"
        try:
            report = exports.write_draft(letter, out, options, survey)
        except (OSError, pdf.PdfFailed, exports.NothingToExport) as error:  # whose messages hold no name
            return {"refused": failures.sentence(error)}
        nearly_empty = pdf.nearly_empty_pages(out)
    in_names = {code for boxed in survey.boxed for code in boxed.codes}
    text = exports.edition_of_delivery(letter).texts_of(letter)[0].revision.number
    with snapshot.read_transaction():
        signed = snapshot.list_counts(letter)["revisions"]
    return {
        "text": text,
        "of_other_texts": [list(pair) for pair in signed_texts.of_other_texts(signed, text).items()],
        "pages": report.pages,
        "names": report.names,
        "nearly_empty": nearly_empty,
        "boxed": _with_ids(letter, survey.boxed),
        "in_letter": [code for code in report.missing if code not in in_names],
    }


def shown(letter: Letter, taken: dict[str, Any]) -> Look:
    """Returns a look with the names, as they are now, of those who would be boxed."""
    ids = {pk for boxed in taken["boxed"] for pk in boxed["examples"]}
    names = dict(EVERYBODY.of(letter).filter(pk__in=ids).order_by().values_list("pk", "name"))
    boxed = [
        pdf.Boxed(
            **each | {"codes": set(each["codes"]), "examples": [names[pk] for pk in each["examples"] if pk in names]}
        )
        for each in taken["boxed"]
    ]
    return Look(**taken | {"boxed": boxed})


def _with_ids(letter: Letter, found: Iterable[pdf.Boxed]) -> list[dict[str, Any]]:
    examples = {name for boxed in found for name in boxed.examples}
    rows = EVERYBODY.of(letter).filter(name__in=examples).order_by("-pk").values_list("name", "pk") if examples else ()
    ids = dict(rows)  # of several with one name the first
    return [
        asdict(boxed) | {"codes": boxed.sorted_codes, "examples": [ids[name] for name in boxed.examples if name in ids]}
        for boxed in found
    ]
