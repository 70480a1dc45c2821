"""In a language from right to left, what is written from left to right keeps its order: addresses, numbers, digests."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from campaign.models import Letter
from signatures.delivery.pdf import Entry, Letterhead, Record
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.delivery.test_pdf import letter as letter_data
from tests.delivery.test_pdf import make
from tests.factories import make_signature

ADDRESS = "https://letters.example/deliveries/bridge/1/"


def test_addresses_and_numbers_in_an_arabic_pdf_read_in_their_order(tmp_path: Path) -> None:
    head = Letterhead("أصدقاء النهر", "١ رصيف النهر", "+44 20 7946 0958", "https://river.example/", [])
    arabic = letter_data(language="ar", title="رسالة عن النهر", letterhead=head)
    record = Record(number=1, digest="ab" * 32, address=ADDRESS)
    _report, reader = make(tmp_path / "x.pdf", [Entry("ليلى")], the_letter=arabic, record=record)
    first, last = reader.pages[0].extract_text(), reader.pages[-1].extract_text()
    assert "+44 20 7946 0958" in first and "https://river.example/" in first
    assert ADDRESS in last


@pytest.mark.django_db
def test_an_arabic_receipt_page_marks_what_is_in_english_or_in_no_language(client: Client, letter: Letter) -> None:
    ada = make_signature(letter, "Ada Lovelace", language="ar")
    make_delivery(letter)
    asked = {"action": "receipt-page", "delivery": "1"}
    page: Any = client.post(f"/ar/signature/{tokens.personal_token(ada.public_id)}/", asked).content.decode()
    assert '<html lang="ar" dir="rtl">' in page
    assert '<h1 lang="en" dir="ltr">A letter to the Minister of Bridges</h1>' in page
    assert f'<bdi dir="ltr" translate="no">{settings.SITE_URL}/deliveries/bridge/1/</bdi>' in page
    assert '<p class="hex" dir="ltr" translate="no">' in page
    assert '<dl class="hex" lang="en" dir="ltr" translate="no">' in page
