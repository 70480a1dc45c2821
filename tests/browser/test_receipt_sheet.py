"""The receipt of a signer prints on one sheet, of A4 and of US Letter. No page behind a personal link prints that link."""

import io
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse
from django.urls.converters import SlugConverter, StringConverter
from playwright.sync_api import Browser, Route
from pypdf import PdfReader

from campaign.models import Letter
from signatures.delivery import receipts
from signatures.models import DeliveryEntry
from signatures.urls import urlpatterns
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import make_signature, make_submission

HOST = "http://localhost"
MARGINS: Any = dict.fromkeys(
    ("top", "bottom", "left", "right"), "1cm"
)  # those of a browser; a page's own go before them
LONG = {
    "name": "Wolfeschlegelsteinhausenbergerdorff " * 5,
    "role": "Member of the board " * 9,
    "organization": "Bund " * 39,
}


def printed(browser: Browser, address: str, body: str, paper: str, name: str) -> list[str]:
    """Returns the text of each printed page, without white space. Header and footer are on, as in a browser as it comes."""

    def serve(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            route.fulfill(path=finders.find(path.removeprefix("/static/")))
        else:
            route.fulfill(status=200, content_type="text/html; charset=utf-8", body=body)

    with browser.new_context(base_url=HOST) as context:
        context.route("**/*", serve)
        page = context.new_page()
        page.goto(address)
        content = page.pdf(format=paper, display_header_footer=True, margin=MARGINS)
    if folder := os.environ.get("SHOTS"):
        Path(folder, f"{name}-{paper}.pdf").write_bytes(content)
    return ["".join(sheet.extract_text().split()) for sheet in PdfReader(io.BytesIO(content)).pages]


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

    pages = printed(browser, f"/signature/{token}/", sheet, paper, f"receipt-{len(words)}")
    assert len(pages) == 1
    for shown in (delivery.digest, receipt.salt, "/deliveries/bridge/1/", "AlettertotheMinisterofBridges"):
        assert shown in pages[0]
    assert token[:12] not in pages[0] and "localhost/signature" not in pages[0], "who sees the sheet gets no link"


@pytest.mark.django_db
def test_C8_no_page_behind_a_personal_link_prints_the_link(browser: Browser, client: Client, letter: Letter) -> None:
    ada = make_signature(letter, "Ada Lovelace")
    addresses = {
        "personal": f"/signature/{tokens.personal_token(ada.public_id)}/",
        "submission": f"/signature/{tokens.personal_token(make_submission(letter, 'Ben').public_id)}/",
        "unsubscribe": f"/no-updates/{tokens.unsubscribe_token(ada.public_id)}/",
    }
    for name, address in addresses.items():
        token = address.split("/")[2]
        body = client.get(address).content.decode()
        for number, text in enumerate(printed(browser, address, body, "A4", name)):
            assert token[:12] not in text, f"{name}, page {number + 1}"
    # Any other page has its margins, and what the browser prints into them.
    about = reverse("privacy")
    assert f"localhost{about}" in printed(browser, about, client.get(about).content.decode(), "A4", "privacy")[0]


def test_a_secret_in_an_address_is_called_a_token() -> None:
    """By that name `base.html` knows the pages that print no address."""
    unnamed = {
        f"{pattern.pattern}"
        for pattern in urlpatterns
        for name, converter in pattern.pattern.converters.items()
        if isinstance(converter, StringConverter) and not isinstance(converter, SlugConverter) and name != "token"
    }
    assert not unnamed


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
