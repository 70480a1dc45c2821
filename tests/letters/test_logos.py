"""The logo of a letterhead: decoded and encoded anew, or refused with a sentence (threat model A22)."""

import re
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, PngImagePlugin

from campaign.letters.logos import MAX_SIZE, read_logo
from campaign.models import Letter, Logo
from tests.admin_forms import fields_of, fill_in

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def upload(content: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "image/png")


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(width: int = 60, height: int = 40) -> SimpleUploadedFile:
    return upload(encoded(Image.new("RGB", (width, height), "#1a4f8b")))


def png_that_claims(width: int, height: int) -> bytes:
    """A small file whose head says how large it is; its pixels are a few bytes of zeros, compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1024 * 1024))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_is_stored_as_a_png(kind: str) -> None:
    logo = read_logo(upload(encoded(Image.new("RGB", (90, 30), "#1a4f8b"), kind)))
    stored = Image.open(BytesIO(logo.png))
    assert (stored.format, stored.size, (logo.width, logo.height)) == ("PNG", (90, 30), (90, 30))


def test_a_transparent_image_stays_so_and_a_large_one_becomes_smaller() -> None:
    logo = read_logo(upload(encoded(Image.new("RGBA", (1900, 100), (0, 0, 0, 0)))))
    stored: Any = Image.open(BytesIO(logo.png))
    assert (stored.mode, stored.getpixel((0, 0))[3], stored.width) == ("RGBA", 0, MAX_SIZE[0])


def test_A22_metadata_and_whatever_follows_the_image_do_not_come_along() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "taken at home", 6  # description; turned by 90 degrees
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ada at home")
    image = Image.new("RGB", (30, 10), "#1a4f8b")
    photo = read_logo(upload(encoded(image, "JPEG", exif=exif)))
    drawing = read_logo(upload(encoded(image, pnginfo=info) + b"<script>at home</script>"))
    assert b"home" not in bytes(photo.png) + bytes(drawing.png)
    assert (photo.width, photo.height) == (10, 30), "the camera was turned"
    assert read_logo(upload(encoded(image))).digest == drawing.digest


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (SVG, "logo.svg", "This is an SVG file. Those can hold scripts: please save the image as PNG."),
        (SVG, "logo.png", "This is an SVG file."),
        (b"\x1f\x8b\x08 zipped", "logo.svgz", "This is an SVG file."),
        (b"Dear council, this is our logo.", "logo.png", "This file is no PNG, JPEG or WebP image"),
        (b"GIF89a" + bytes(40), "logo.gif", "This file is no PNG, JPEG or WebP image"),
        (encoded(Image.new("RGB", (60, 40)))[:60], "logo.png", "or it is damaged"),
        (b"\0" * (1024 * 1024 + 1), "logo.png", "The file has 1.0 MB; at most 1 MB is taken."),
        (png_that_claims(2001, 2001), "logo.png", "The image has 2001 by 2001 pixels. At most 4 million are taken"),
        (png_that_claims(60_000, 60_000), "logo.png", "The image has far too many pixels."),
    ],
    ids=["svg", "svg-named-png", "svgz", "text", "gif", "cut-off", "huge", "bomb", "larger-bomb"],
)
def test_A22_what_is_no_image_or_too_large_is_refused_with_a_sentence(content: bytes, name: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        read_logo(upload(content, name))
    assert sentence in error.value.messages[0]


@pytest.mark.django_db
def test_A22_the_page_tells_the_sentence_and_stores_nothing(editor: User, client: Client, letter: Letter) -> None:
    client.force_login(editor)
    address = f"/admin/campaign/letter/{letter.pk}/step/look/"
    answer = client.post(address, {**fill_in(client, address), "logo": upload(SVG)})
    assert answer.status_code == 200 and "This is an SVG file." in answer.content.decode()
    assert not Logo.objects.exists()


@pytest.mark.django_db
def test_a_logo_is_shown_replaced_and_removed(editor: User, client: Client, letter: Letter) -> None:
    client.force_login(editor)
    address = f"/admin/campaign/letter/{letter.pk}/step/look/"
    for width in (60, 80):
        answer = client.post(address, {**fill_in(client, address), "logo": png(width)})
        assert width == 60 or client.post(address, fields_of(answer)).status_code == 302, "it asked first"
        (image,) = re.findall(r'<img src="([^"]+)" alt="The logo"', client.get(address).content.decode())
        assert Image.open(BytesIO(client.get(image).content)).width == width
    assert client.post(address, fill_in(client, address, accent_color="#1a4f8b")).status_code == 302
    assert Logo.objects.get().width == 80, "it stays when another field is saved"
    assert (
        client.post(address, fields_of(client.post(address, fill_in(client, address, remove_logo="on")))).status_code
        == 302
    )
    assert not Logo.objects.exists()
