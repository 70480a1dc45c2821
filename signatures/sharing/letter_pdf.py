"""The letter alone as PDF, to print it or send it on: its words and its original signatories, no signer."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from campaign import VERSION
from campaign.models import Letter, Logo, Translation
from signatures.delivery import document_data, pdf
from signatures.sharing.made_once import MadeOnce

_pdfs = MadeOnce("the PDF of a letter", settings.VAR_DIR / "letter-pdfs")


def pdf_of(text: Translation) -> bytes | None:
    """Returns the PDF of a published text; None if it cannot be made now. It is typeset once for these words."""
    letter = document_data.letter_data(text, _public_letterhead(text.revision.letter))
    # An unofficial draft says so across each page, as its page does.
    options = pdf.Options(draft=text.unofficial)
    timestamp = text.published_at or timezone.now()

    def make(file: Path) -> None:
        pdf.write(letter, (), counts=None, out=file, timestamp=timestamp, options=options, fonts=settings.FONT_DIRS)

    return _pdfs.get(f"{_digest(letter, options, timestamp.isoformat())}.pdf", make)


def _public_letterhead(letter: Letter) -> dict[str, Any]:
    """Returns the letterhead of the page. Signatures by hand are on no page: whoever has the image could use it."""
    logo = Logo.objects.filter(letter=letter).values_list("digest", flat=True).first()
    return {**(letter.letterhead or {}), **({"logo": logo} if logo else {})}


def _digest(letter: pdf.LetterData, options: pdf.Options, timestamp: str) -> str:
    """Returns a digest of everything that decides the look of the PDF."""
    design = [VERSION, pdf.typeset_design(), pdf.Wording.suiting(letter.language).words]
    parts = [asdict(letter), asdict(options), timestamp, design, [str(folder) for folder in settings.FONT_DIRS]]
    return hashlib.sha256(json.dumps(parts, default=bytes.hex).encode()).hexdigest()
