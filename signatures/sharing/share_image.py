"""The cache of share images: each is drawn once for its words, however many requests come at the same moment."""

import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from django.conf import settings

from campaign.models import Translation
from campaign.runtime.expiring_cache import ExpiringCache
from signatures.delivery import pdf

log = logging.getLogger(__name__)

SHARE_IMAGES_DIR = settings.VAR_DIR / "share-images"
MAX_WAITING = 3  # threads of this process: one draws, two wait; all others get the fallback image at once
WAIT_SECONDS = 5.0  # for another thread to finish drawing
RETRY_AFTER_SECONDS = 60.0  # after a failure

_places = threading.BoundedSemaphore(MAX_WAITING)
_drawing = threading.Lock()
_failed = ExpiringCache[str, bool](RETRY_AFTER_SECONDS)  # by file name


def image_of(text: Translation) -> bytes | None:
    """Returns the share image of a text as a PNG; None if it cannot be drawn now."""
    wanted = pdf.ShareImage(
        title=text.title,
        addressee=tuple(text.addressee.split("\n")),
        organization=text.revision.letter.letterhead.get("name", ""),
        language=text.language,
    )
    return cached_image(wanted, folder=SHARE_IMAGES_DIR, fonts=settings.FONT_DIRS)


def cached_image(image: pdf.ShareImage, *, folder: Path, fonts: Sequence[Path] = ()) -> bytes | None:
    """Returns the image as a PNG, drawn if it is not cached; None if there is none now, for whatever reason."""
    file = folder / f"{_digest(image, fonts)}.png"
    with suppress(OSError):  # not cached, or not readable: drawing tells which
        return file.read_bytes()
    if _failed.get(file.name) or not _places.acquire(blocking=False):
        return None
    try:
        return _draw(image, file, fonts)
    finally:
        _places.release()


def _draw(image: pdf.ShareImage, file: Path, fonts: Sequence[Path]) -> bytes | None:
    if not _drawing.acquire(timeout=WAIT_SECONDS):
        return None
    try:
        if not file.exists():  # otherwise another thread drew it while this one waited
            if _failed.get(file.name):
                return None
            file.parent.mkdir(parents=True, exist_ok=True)
            pdf.render_share_image(image, out=file, fonts=fonts)
        return file.read_bytes()
    except (pdf.PdfFailed, OSError) as error:
        _failed.put(file.name, value=True)
        log.warning("a share image was not drawn: %s", type(error).__name__)
        return None
    finally:
        _drawing.release()


def _digest(image: pdf.ShareImage, fonts: Sequence[Path]) -> str:
    """Returns a digest of everything that decides the look of the image."""
    parts = [asdict(image), pdf.share_image_design(), [str(folder) for folder in fonts]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
