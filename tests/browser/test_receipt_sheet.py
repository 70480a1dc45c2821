"""The receipt of a signer prints on one sheet, of A4 and of US Letter, without the address of the personal page."""

import io
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, Route
from pypdf import PdfReader

from campaign.models import Letter
from signatures.delivery import receipts
from signatures.models import DeliveryEntry
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import make_signature

HOST = "http://localhost"
LONG = {
    "name": "Wolfeschlegelsteinhausenbergerdorff " * 5,
    "role": "Member of the board " * 9,
    "organization": "Bund " * 39,
}


@pytest.mark.django_db
@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("words", [{"name": "Ada Lovelace"}, LONG])
def test_the_receipt_prints_on_one_sheet(
    browser: Browser, client: Client, letter: Letter, paper: str, words: dict[str, str]
) -> None:
    cells: dict[str, Any] = {name: text.strip()[:200].strip() for name, text in words.items()}
    ada = make_signature(letter, country="GB", **cells)
    delivery = make_delivery(letter)
    receipt = receipts.issue(DeliveryEntry.objects.select_related("delivery").get(signature_id=ada.pk))
    token = tokens.personal_token(ada.public_id)
    answer = client.post(f"/signature/{token}/", {"action": "receipt-page", "delivery": "1"})
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    # As among four million signatures: a path of 22.
    sheet = answer.content.decode().replace("<dt>path</dt>", f"<dt>path</dt>{f'<dd>{"ab" * 32}</dd>' * 22}")

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            route.fulfill(path=finders.find(path.removeprefix("/static/")))
        else:
            route.fulfill(status=200, headers=dict(answer.items()), body=sheet)

    context = browser.new_context(base_url=HOST)
    context.route("**/*", serve)
    page = context.new_page()
    page.goto(f"/signature/{token}/")
    content = page.pdf(format=paper)
    if folder := os.environ.get("SHOTS"):
        Path(folder, f"receipt-{paper}-{len(words)}.pdf").write_bytes(content)
    printed = PdfReader(io.BytesIO(content))
    context.close()

    assert len(printed.pages) == 1
    text = "".join(printed.pages[0].extract_text().split())
    for shown in (delivery.digest, receipt.salt, "/deliveries/bridge/1/", "AlettertotheMinisterofBridges"):
        assert shown in text
    assert token not in text, "nobody who sees the sheet gets the personal link"


@pytest.mark.django_db
def test_the_qr_code_and_the_file_are_on_the_page(client: Client, letter: Letter) -> None:
    ada = make_signature(letter, "Ada Lovelace")
    make_delivery(letter)
    page: Any = client.post(
        f"/signature/{tokens.personal_token(ada.public_id)}/", {"action": "receipt-page", "delivery": "1"}
    ).content.decode()
    assert '<div class="qr-code"><svg' in page and "Ada Lovelace" in page
    assert 'name="action" value="receipt"' in page
    refused = client.post(
        f"/signature/{tokens.personal_token(ada.public_id)}/", {"action": "receipt-page", "delivery": "2"}
    )
    assert refused.status_code == 404
