"""The picture of a letter, for networks that show one beside a link: letterhead, title, addressee, rule and mark."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from signatures.delivery.pdf.document import LetterData, Letterhead, Options
from signatures.delivery.pdf.preparation import TEMPLATES, Preparation
from signatures.delivery.pdf.processes import PdfFailed, Process, results_in_order

TEMPLATE = TEMPLATES / "share_image.typ"
MARK = TEMPLATES.parents[1] / "static" / "img" / "mark.svg"
SHARE_IMAGE_SIZE = 1200, 630  # dots: what the networks ask for
SECONDS = 20  # many times what it takes


@dataclass(frozen=True)
class ShareImage:
    """What stands on it. No name of a signer and no count: networks keep a picture for as long as they like."""

    title: str
    addressee: tuple[str, ...]
    house: str
    language: str

    def as_letter(self) -> LetterData:
        return LetterData(
            title=self.title,
            language=self.language,
            date="",
            addressee=list(self.addressee),
            salutation="",
            blocks=[{"kind": "paragraph", "spans": [{"text": self.title, "emphasis": False, "strong": False}]}],
            closing="",
            signatories=[],
            letterhead=Letterhead(self.house, "", "", "", []),
        )


@cache
def share_image_design() -> str:
    """A digest of the templates and the mark: another look is another picture."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in (*sorted(TEMPLATES.glob("*.typ")), MARK))).hexdigest()


def render_share_image(card: ShareImage, *, out: Path, fonts: Sequence[Path] = ()) -> None:
    """Write the PNG to `out`, whole or not at all.

    Raises:
        PdfFailed: when it is not drawn, or not every letter has a glyph; the message holds no word of the letter.
    """
    with TemporaryDirectory(dir=out.parent, prefix=".card-") as name:
        folder = Path(name)
        preparation = Preparation(card.as_letter(), None, None, Options(parts="letter"), fonts)
        preparation.write(folder, (), frozenset())
        if preparation.boxed:
            raise PdfFailed("a letter of the title, the addressee or the letterhead has no glyph")
        shutil.copyfile(MARK, folder / MARK.name)
        process = Process("draw_image", name, TEMPLATE.name, *map(str, preparation.fonts), seconds=SECONDS)
        next(results_in_order(iter([process]), most=1, stopped=lambda: False))
        (folder / "made.png").replace(out)
