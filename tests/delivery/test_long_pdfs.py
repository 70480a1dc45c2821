"""Where a PDF would take longer than a page may, staff are told the command that makes it."""

import html
import io
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pypdf import PdfReader

from campaign.models import Letter
from signatures.delivery.admin import long_pdfs
from signatures.models import AuditEntry, Delivery
from tests.delivery.factories import make_delivery
from tests.factories import make_signature

pytestmark = pytest.mark.django_db(transaction=True)
REASON = "--Ada's;hearing"  # looks like an option, and like the end of a word


@pytest.fixture
def delivery(letter: Letter) -> Delivery:
    for name in ("Ada Lovelace", "Ben Brook"):
        make_signature(letter, name)
    return make_delivery(letter)


@pytest.fixture
def two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_pdfs, "MOST_NAMES", 1)


def post(officer: User, address: str, **choices: str) -> Any:
    client = Client()
    client.force_login(officer)
    return client.post(f"/admin/signatures/{address}/", {"reason": REASON} | choices)


def commanded(page: Any, folder: Path) -> str:
    """Runs the command that the page names, in this folder. Returns the text of what it makes."""
    command = re.search(r"undersigned (export_pdf .*?)\s*<", page.content.decode())
    assert command, page.content.decode()
    name, *words = shlex.split(html.unescape(command[1]))
    out = words[words.index("--out") + 1]
    words[words.index("--out") + 1] = str(folder / out)
    call_command(name, *words, stderr=io.StringIO())
    return " ".join(page.extract_text() for page in PdfReader(folder / out).pages)


def test_the_list_as_it_is_now_is_made_by_the_command_that_the_page_names(
    delivery: Delivery, officer: User, two_are_many: None, tmp_path: Path
) -> None:
    before = AuditEntry.objects.count()
    page = post(officer, f"signedletter/{delivery.letter_id}/export/draft", pdf_paper="us-letter")
    assert page.status_code == 422 and "The list has 2 names." in page.content.decode()
    assert REASON in html.unescape(page.content.decode()), "what was typed is still there"
    assert AuditEntry.objects.count() == before, "nothing was exported"
    text = commanded(page, tmp_path)
    assert "Ada Lovelace" in text and "DRAFT" in text
    assert AuditEntry.objects.latest("pk").reason == REASON


def test_so_are_both_copies_of_a_delivery(
    delivery: Delivery, officer: User, two_are_many: None, tmp_path: Path
) -> None:
    address = f"delivery/{delivery.pk}/copy"
    page = post(officer, address, what="public", paper="a4", language="en")
    assert page.status_code == 422
    assert "Public edition." in commanded(page, tmp_path)
    text = commanded(post(officer, address, what="printed", paper="a4", language=""), tmp_path)
    assert "Ben Brook" in text and "Public edition." not in text


def test_a_list_that_is_no_longer_than_that_is_made_by_the_page(
    delivery: Delivery, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_pdfs, "MOST_NAMES", 2)
    for address, choices in (
        (f"signedletter/{delivery.letter_id}/export/pdf", {}),
        (f"delivery/{delivery.pk}/copy", {"what": "printed", "paper": "a4"}),
    ):
        answer = post(officer, address, **choices)
        assert answer["Content-Type"] == "application/pdf", address
        assert len(PdfReader(io.BytesIO(answer.getvalue())).pages) >= 2
        answer.close()


def test_what_was_typed_stays_when_no_pdf_can_be_made(officer: User) -> None:
    unpublished = Letter.objects.create(slug="unpublished")
    before = AuditEntry.objects.count()
    page = post(officer, f"signedletter/{unpublished.pk}/export/draft", pdf_paper="us-letter")
    shown = page.content.decode()
    assert page.status_code == 422 and "has no published text" in shown
    assert html.escape(REASON) in shown and '<option value="us-letter" selected' in shown
    assert AuditEntry.objects.count() == before
