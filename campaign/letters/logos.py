"""Logos and signatures by hand: what staff upload is decoded, and encoded anew by us (threat model A22)."""

import hashlib
from io import BytesIO
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from PIL import Image, ImageOps

from campaign.models import Letter, Logo

MAX_BYTES = 1024 * 1024
MAX_PIXELS = 4_000_000  # 16 MB when decoded
AT_MOST = f"At most {MAX_PIXELS // 10**6} million are taken, such as 2000 by 2000."
MAX_SIZE = (1200, 600)  # in pixels, as it is stored: enough for the width of a letterhead in print
FORMATS = ("PNG", "JPEG", "WEBP")


class StoredImage(NamedTuple):
    """A PNG that we have made: its bytes, its size in pixels, and the SHA-256 of its bytes."""

    png: bytes
    width: int
    height: int
    digest: str


def read_logo(upload: Any) -> Logo:
    """Returns the uploaded image as a logo that is not stored yet.

    Raises:
        ValidationError: as for `read_image`.
    """
    return Logo(**read_image(upload)._asdict())


def read_image(upload: Any) -> StoredImage:
    """Returns the uploaded image as a PNG without metadata, as large as a page needs.

    Raises:
        ValidationError: with a sentence for staff, if this is no image that we take.
    """
    if upload.size > MAX_BYTES:
        raise ValidationError(f"The file has {upload.size / 1024**2:.1f} MB; at most 1 MB is taken.")
    data = upload.read()
    if b"<svg" in data[:4096].lower() or upload.name.lower().endswith((".svg", ".svgz")):
        raise ValidationError("This is an SVG file. Those can hold scripts: please save the image as PNG.")
    image = _decoded(data)
    image.thumbnail(MAX_SIZE)
    png = BytesIO()
    # From its pixels alone: a copy would carry text, location and color profile along.
    Image.frombytes(image.mode, image.size, image.tobytes()).save(png, "PNG", optimize=True)
    content = png.getvalue()
    return StoredImage(content, image.width, image.height, hashlib.sha256(content).hexdigest())


def _decoded(data: bytes) -> Image.Image:
    """Returns the pixels. The size is read from the head of the file, before any pixel is decoded."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValidationError(f"The image has {image.width} by {image.height} pixels. {AT_MOST}")
            upright = ImageOps.exif_transpose(image)
            return upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # so many that the library refuses
        raise ValidationError(f"The image has far too many pixels. {AT_MOST}") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ValidationError("This file is no PNG, JPEG or WebP image, or it is damaged.") from error


def set_logo(letter: Letter, logo: Logo | None) -> None:
    """Store the logo of a letter in place of the former one; None removes it."""
    Logo.objects.filter(letter=letter).delete()
    if logo:
        logo.letter = letter
        logo.save()
