"""The share image of a letter, which networks show beside a link: letterhead, title, addressee, rule and logo."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from campaign.letters.text import Block, Span
from signatures.delivery.pdf.document import LetterData, Letterhead, Options
from signatures.delivery.pdf.fonts import FOLDER
from signatures.delivery.pdf.processes import PdfFailed, Press, results_in_order
from signatures.delivery.pdf.typst_input import TEMPLATES, TypstInput

TEMPLATE = TEMPLATES / "share_image.typ"
LOGO = TEMPLATES.parents[1] / "static" / "img" / "mark.svg"
SHARE_IMAGE_SIZE = 1200, 630  # pixels: what the networks ask for
MAX_BOUND = 14  # letters of a last word that is bound to the one before it
MAX_SECONDS = 20  # many times what it takes


@dataclass(frozen=True)
class ShareImage:
    """The words on the image. No name of a signer and no count: networks keep an image as long as they like."""

    title: str
    addressee: tuple[str, ...]
    organization: str
    language: str

    def as_letter(self) -> LetterData:
        title = _with_company_for_the_last_word(self.title)
        return LetterData(
            title=title,
            language=self.language,
            addressee=list(self.addressee),
            blocks=[Block("paragraph", ((Span(title),),))],
            letterhead=Letterhead(self.organization, "", "", "", []),
        )


def _with_company_for_the_last_word(title: str) -> str:
    """Returns the title with its last two words bound together, unless the last one is as long as a line."""
    before, _space, last = title.rpartition(" ")
    return f"{before}\u00a0{last}" if " " in before and len(last) <= MAX_BOUND else title


@cache
def typeset_design() -> str:
    """Returns a digest of the templates and the logo: it changes whenever what is typeset would look different."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in (*sorted(TEMPLATES.glob("*.typ")), LOGO))).hexdigest()


def render_share_image(image: ShareImage, *, out: Path, fonts: Sequence[Path] = ()) -> None:
    """Writes the PNG to `out`, complete or not at all.

    Raises:
        PdfFailed: it cannot be drawn, or a letter has no glyph. The message holds no word of the letter.
    """
    with TemporaryDirectory(dir=out.parent, prefix=".share-image-") as name:
        folder = Path(name)
        typst_input = TypstInput(image.as_letter(), None, None, Options(parts="letter"), fonts)
        typst_input.write(folder, (), frozenset())
        if typst_input.boxed:
            raise PdfFailed("a letter of the title, the addressee or the letterhead has no glyph")
        shutil.copyfile(LOGO, folder / LOGO.name)
        arguments = {"folder": name, "template": TEMPLATE.name, "fonts": str(folder / FOLDER)}
        with Press("run_typst") as press:
            process = press.start(("run_typst", "draw", arguments), seconds=MAX_SECONDS)
            next(results_in_order(iter([process]), at_once=1, is_canceled=lambda: False))
        (folder / "made.png").replace(out)
