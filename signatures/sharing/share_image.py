"""The cache of share images: each is drawn once for its words, however many requests come at the same moment."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from django.conf import settings

from campaign.models import Translation
from signatures.delivery import pdf
from signatures.sharing.made_once import MadeOnce

_images = MadeOnce("a share image", settings.VAR_DIR / "share-images")


def image_of(text: Translation) -> bytes | None:
    """Returns the share image of a text as a PNG; None if it cannot be drawn now."""
    wanted = pdf.ShareImage(
        title=text.title,
        addressee=tuple(text.addressee.split("\n")),
        organization=text.revision.letter.letterhead.get("name", ""),
        language=text.language,
    )
    return cached_image(wanted, fonts=settings.FONT_DIRS)


def cached_image(image: pdf.ShareImage, *, fonts: Sequence[Path] = ()) -> bytes | None:
    """Returns the image as a PNG, drawn if it is not cached; None if there is none now, for whatever reason."""
    name = f"{_digest(image, fonts)}.png"
    return _images.get(name, lambda file: pdf.render_share_image(image, out=file, fonts=fonts))


def _digest(image: pdf.ShareImage, fonts: Sequence[Path]) -> str:
    """Returns a digest of everything that decides the look of the image."""
    parts = [asdict(image), pdf.typeset_design(), [str(folder) for folder in fonts]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
