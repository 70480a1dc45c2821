"""The pictures of letters, kept: each is drawn once for what stands on it, however many ask at the same moment."""

import hashlib
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from campaign.runtime.expiring_cache import ExpiringCache
from signatures.delivery import pdf

log = logging.getLogger(__name__)

MAX_WAITING = 3  # threads of this process at the drawing: one draws, two wait; who comes then gets the plain mark
WAIT_SECONDS = 5.0  # seconds for which one waits
RETRY_AFTER_SECONDS = 60.0  # seconds after a failure in which it is not tried again

_places = threading.BoundedSemaphore(MAX_WAITING)
_pen = threading.Lock()
_failed = ExpiringCache[str, bool](RETRY_AFTER_SECONDS)  # by the name of the file


def cached_image(card: pdf.ShareImage, *, folder: Path, fonts: Sequence[Path] = ()) -> bytes | None:
    """The picture as a PNG; None when there is none now, for whatever reason."""
    file = folder / f"{_name(card, fonts)}.png"
    with suppress(OSError):  # it is not there, or cannot be read: drawing tells which
        return file.read_bytes()
    if _failed.get(file.name) or not _places.acquire(blocking=False):
        return None
    try:
        return _drawn(card, file, fonts)
    finally:
        _places.release()


def _drawn(card: pdf.ShareImage, file: Path, fonts: Sequence[Path]) -> bytes | None:
    if not _pen.acquire(timeout=WAIT_SECONDS):
        return None
    try:
        if not file.exists():  # else somebody drew it while this one waited
            if _failed.get(file.name):
                return None
            file.parent.mkdir(parents=True, exist_ok=True)
            pdf.render_share_image(card, out=file, fonts=fonts)
        return file.read_bytes()
    except (pdf.PdfFailed, OSError) as error:
        _failed.put(file.name, True)
        log.warning("a picture was not drawn: %s", type(error).__name__)
        return None
    finally:
        _pen.release()


def _name(card: pdf.ShareImage, fonts: Sequence[Path]) -> str:
    """A digest of all that goes into it: whatever changes makes another file."""
    parts = [asdict(card), pdf.share_image_design(), [str(folder) for folder in fonts]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
