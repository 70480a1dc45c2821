"""An editor adds scanned signatures of the original signatories; the PDF shows each above its name."""

from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from campaign.models import HandSignature, Letter
from signatures.delivery import document_data
from signatures.models import AuditEntry
from tests.admin_forms import fields_of, fill_in
from tests.factories import png_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def editing(editor: User, client: Client) -> Client:
    client.force_login(editor)
    return client


def add(client: Client, letter: Letter, image: bytes, place: int = 1, row: int = 0) -> Any:
    address = f"/admin/campaign/letter/{letter.pk}/step/look/"
    upload = SimpleUploadedFile("scan.png", image)
    typed = {f"hand_signatures-{row}-place": str(place), f"hand_signatures-{row}-upload": upload}
    return client.post(address, fill_in(client, address, **typed))


def test_the_editor_chooses_the_signatory_by_name_and_the_pdf_shows_the_image(editing: Client, letter: Letter) -> None:
    page = editing.get(f"/admin/campaign/letter/{letter.pk}/step/look/").content.decode()
    assert '<option value="1">Grace Hopper</option>' in page
    assert add(editing, letter, png_of()).status_code == 302
    image = HandSignature.objects.get()
    data = document_data.letter_data(letter.revisions.get().translations.get(), document_data.frozen_letterhead(letter))
    assert data.signatories[0].name == "Grace Hopper" and data.signatories[0].image == bytes(image.png)
    assert AuditEntry.objects.filter(action="set-handsignature", letter_id=letter.pk).count() == 1


def test_A22_what_was_uploaded_is_encoded_anew(editing: Client, letter: Letter) -> None:
    about = PngInfo()
    about.add_text("Author", "Scanned at home")
    file = BytesIO()
    Image.new("RGBA", (300, 100)).save(file, "PNG", pnginfo=about)
    add(editing, letter, file.getvalue() + b"<script>at home</script>")
    stored = bytes(HandSignature.objects.get().png)
    assert b"home" not in stored and Image.open(BytesIO(stored)).size == (300, 100)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (b"<svg><script>1</script></svg>", "This is an SVG file."),
        (b"no image", "This file is no PNG, JPEG or WebP image"),
    ],
)
def test_A22_what_is_no_image_is_refused_beside_the_field(
    editing: Client, letter: Letter, image: bytes, sentence: str
) -> None:
    answer = add(editing, letter, image)
    assert sentence in answer.content.decode() and not HandSignature.objects.exists()


def test_a_signatory_without_a_file_is_one_sentence(editing: Client, letter: Letter) -> None:
    address = f"/admin/campaign/letter/{letter.pk}/step/look/"
    answer = editing.post(address, fill_in(editing, address, **{"hand_signatures-0-place": "1"}))
    assert "Please choose the file of the image." in answer.content.decode() and not HandSignature.objects.exists()


def test_an_image_is_replaced_and_removed(editing: Client, letter: Letter) -> None:
    add(editing, letter, png_of((300, 100)))
    add(editing, letter, png_of((200, 100)))
    assert HandSignature.objects.get().width == 200
    address = f"/admin/campaign/letter/{letter.pk}/step/look/"
    asked = editing.post(address, fill_in(editing, address, **{"hand_signatures-0-DELETE": "on"}))
    assert asked.status_code == 200 and "An image is deleted for good." in asked.content.decode()
    assert editing.post(address, fields_of(asked)).status_code == 302
    assert not HandSignature.objects.exists() and AuditEntry.objects.filter(action="remove-handsignature").exists()


def test_what_was_frozen_shows_no_other_image_later(editing: Client, letter: Letter) -> None:
    add(editing, letter, png_of((300, 100)))
    frozen = document_data.frozen_letterhead(letter)
    add(editing, letter, png_of((200, 100)))
    data = document_data.letter_data(letter.revisions.get().translations.get(), frozen)
    assert data.signatories[0].image == b""
