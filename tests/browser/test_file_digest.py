"""A file that is dropped on the page of a delivery: the page knows it, or the server answers. The page never says no."""

import re
import textwrap
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from campaign.models import Letter
from signatures.delivery import receipts
from signatures.models import DeliveryEdition, DeliveryEntry, Signature
from signatures.signing import withdrawal
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_signature

pytestmark = pytest.mark.django_db
PAGE = "/deliveries/bridge/1/"
SAYS = re.compile(r"\w")  # the page said something


class DeliveryPage:
    """The page in a browser, as the views of this process show it, in the transaction of the test."""

    def __init__(self, page: Page, client: Client) -> None:
        self.page, self._client = page, client
        self.output, self.proof = page.locator("#drop output"), page.locator("#id_proof")
        self._body = self._sent = ""
        page.context.route("**/*", self._serve)

    def _serve(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            route.fulfill(path=finders.find(path.removeprefix("/static/")))
            return
        # Views are called outside of this: it has no part in the transaction.
        if is_answer := route.request.method == "POST":
            self._sent = route.request.post_data or ""
        route.fulfill(content_type="text/html; charset=utf-8", body="" if is_answer else self._body)

    def open(self) -> None:
        self._body = self._client.get(PAGE).content.decode()
        self.page.goto(PAGE)

    def drop(self, name: str, content: bytes) -> None:
        """Drops a file on the page, as from the desktop, and waits for what the page then says."""
        self.open()
        self.page.evaluate(
            """([name, bytes]) => {
                const dataTransfer = new DataTransfer()
                dataTransfer.items.add(new File([new Uint8Array(bytes)], name))
                document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }))
            }""",
            [name, list(content)],
        )
        expect(self.output).to_have_text(SAYS)

    def press(self) -> str:
        """Presses the button to which the page leads, and returns what the server then says."""
        expect(self.output).to_contain_text("is now in the field above. Press the button to check it.")
        assert self.output.get_attribute("class") == "", "neither a yes nor a no"
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Check it").click()
        answer = self._client.post(PAGE, QueryDict(self._sent).dict()).content.decode()
        found = re.search(r'<div class="(?:valid|problems)".*?</div>', answer, re.DOTALL)
        assert found is not None
        return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


@pytest.fixture
def shown(browser: Browser, client: Client) -> Iterator[DeliveryPage]:
    with browser.new_context(base_url="http://localhost") as context:
        page = context.new_page()
        broken: list[str] = []
        page.on("pageerror", lambda error: broken.append(str(error)))
        yield DeliveryPage(page, client)
        assert broken == []


def in_package(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as bundle:
        return bundle.read(f"bridge-1/{name}")


def test_E12_a_file_that_the_page_lists_is_known_at_once(
    shown: DeliveryPage, letter: Letter, ada: Signature, tmp_path: Path
) -> None:
    make_delivery(letter, tmp_path)
    shown.drop("list.csv", in_package(tmp_path / "bridge-1.zip", "signatories.csv"))
    expect(shown.output).to_have_text("It is part of this delivery. This is signatories.csv of edition 1")
    expect(shown.proof).to_be_empty()


def test_E12_a_file_of_an_edition_that_the_page_does_not_show_yet_is_confirmed_by_the_server(
    shown: DeliveryPage, letter: Letter, ada: Signature, settings: Any, tmp_path: Path
) -> None:
    ben = make_signature(letter, "Ben Canary")
    delivery = make_delivery(letter, tmp_path)
    withdrawal.erase(ben)
    make_files(delivery, tmp_path)
    settings.COUNT_STEP_MINUTES = 1
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        DeliveryEdition.objects.filter(number=2).update(public_from=timezone.now() + timedelta(days=1))
        cursor.execute("SET LOCAL session_replication_role = origin")
    newest = in_package(tmp_path / "bridge-1.zip", "signatories.csv")
    shown.drop("list.csv", newest)
    assert delivery.editions.get(number=2).files["signatories.csv"] not in shown.page.content()
    said = shown.press()
    assert "It is part of this delivery" in said and "signatories.csv of edition 2" in said


def test_the_server_says_of_another_file_that_it_is_not_part_of_the_delivery(
    shown: DeliveryPage, letter: Letter, ada: Signature
) -> None:
    make_delivery(letter)
    shown.drop("mine.txt", b"mine")
    said = shown.press()
    assert "It is not part of this delivery" in said and "This is not the SHA-256 of a file in this delivery." in said


def test_a_receipt_that_an_email_program_broke_into_lines_is_taken_to_the_server(
    shown: DeliveryPage, letter: Letter, ada: Signature
) -> None:
    make_delivery(letter)
    receipt = str(receipts.issue(DeliveryEntry.objects.select_related("delivery").get(signature_id=ada.pk)))
    shown.drop("receipt.json", "\n".join(["", *textwrap.wrap(receipt, 76, break_on_hyphens=False)]).encode())
    said = shown.press()
    assert "It is part of this delivery" in said and "Ada Lovelace" in said


def test_what_was_chosen_last_is_answered_although_the_first_file_is_read_more_slowly(
    shown: DeliveryPage, letter: Letter, ada: Signature, tmp_path: Path
) -> None:
    make_delivery(letter, tmp_path)
    shown.open()
    shown.page.evaluate(
        """() => {
            const read = File.prototype.arrayBuffer, first = new Promise(done => { window.readFirst = done })
            File.prototype.arrayBuffer = async function () {
                if (this.name === "first") await first
                return read.call(this)
            }
        }"""
    )
    known = in_package(tmp_path / "bridge-1.zip", "signatories.csv")
    shown.page.set_input_files("#file", {"name": "first", "mimeType": "", "buffer": b"mine"})
    shown.page.set_input_files("#file", {"name": "second", "mimeType": "", "buffer": known})
    expect(shown.output).to_contain_text("This is signatories.csv of edition 1")
    shown.page.evaluate("readFirst()")
    shown.page.evaluate("crypto.subtle.digest('SHA-256', new Uint8Array(4))")  # as long as that of the first one
    expect(shown.output).to_contain_text("This is signatories.csv of edition 1")
    expect(shown.proof).to_be_empty()
