"""Whoever wants the letter on paper, or to send it on, gets it alone as PDF: typeset once, and without any signer."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pypdf import PdfReader

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import HandSignature, Letter
from campaign.web import costs, middleware
from signatures.delivery import pdf
from signatures.models import Signature
from signatures.sharing import letter_pdf, made_once
from tests.factories import WORDS, png_of
from tests.prepared import BASE

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ADDRESS = "/letters/bridge/letter.pdf"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache without failures."""
    monkeypatch.setattr(letter_pdf._pdfs, "folder", tmp_path / "letter-pdfs")
    letter_pdf._pdfs.failed.clear()
    return tmp_path / "letter-pdfs"


def words_of(content: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_the_letter_alone_is_a_pdf_with_its_signatories_and_without_any_signer(
    client: Client, letter: Letter, ada: Signature
) -> None:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'inline; filename="bridge-en.pdf"'
    assert "public" in answer["Cache-Control"] and "Set-Cookie" not in answer
    words = words_of(answer.content)
    for each in ("Dear Minister,", "We ask for one bridge.", "Yours sincerely,", "Grace Hopper", "Former Admiral"):
        assert each in words
    assert "Lovelace" not in words
    assert client.get(ADDRESS, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.head(ADDRESS).status_code == 200 and client.post(ADDRESS).status_code == 405


def test_it_is_typeset_once_for_a_text_and_anew_for_another_one(
    client: Client, letter: Letter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get(ADDRESS).content
    with monkeypatch.context() as watched:
        watched.setattr(pdf, "write", lambda *_, **__: pytest.fail("it was typeset twice"))
        for query in ("", "?again=1", "?q=Ada"):
            middleware.page_cache.clear()
            assert client.get(ADDRESS + query).content == first
    publish(revise(letter, "en", {**WORDS, "salutation": "Dear Sir,"}, authoritative=True))
    middleware.page_cache.clear()
    text_cache.clear_cache()
    assert "Dear Sir," in words_of(client.get(ADDRESS).content)
    assert len(list(folder.iterdir())) == 2


def test_it_is_in_the_language_of_the_address_where_the_letter_has_it(client: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", {**WORDS, "salutation": "장관님께,"}))
    korean = client.get(f"/ko{ADDRESS}")
    assert "bridge-ko.pdf" in korean["Content-Disposition"] and "장관님께," in words_of(korean.content)
    english = client.get(f"/fr{ADDRESS}")
    assert "bridge-en.pdf" in english["Content-Disposition"] and english["Content-Language"] == "en"


def test_a_letter_that_is_not_published_has_none(client: Client, letter: Letter, folder: Path) -> None:
    Letter.objects.create(slug="draft")
    for slug in ("draft", "castle"):
        assert client.get(f"/letters/{slug}/letter.pdf").status_code == 404
    assert not folder.exists()


def test_no_signature_by_hand_is_given_to_strangers(client: Client, letter: Letter) -> None:
    HandSignature.objects.create(letter=letter, place=1, png=png_of(), width=480, height=160, digest="0" * 64)
    assert not any(page.images for page in PdfReader(io.BytesIO(client.get(ADDRESS).content)).pages)


def test_an_unofficial_draft_says_so_across_each_page(client: Client, letter: Letter) -> None:
    text = revise(letter, "fr", WORDS)
    text.unofficial = True
    text.save()
    publish(text)
    assert "DRAFT" not in words_of(client.get(ADDRESS).content).upper()
    assert pdf.Wording("fr").words["draft"].upper() in words_of(client.get(f"/fr{ADDRESS}").content).upper()


def test_when_it_cannot_be_typeset_nobody_makes_the_site_try_again_at_once(
    client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def fails(*_: Any, **__: Any) -> None:
        tries.append(1)
        raise pdf.PdfFailed("no")

    monkeypatch.setattr(pdf, "write", fails)
    for _each in range(3):
        answer = client.get(ADDRESS)
        assert answer.status_code == 503 and answer["Retry-After"]
    assert tries == [1]


def test_it_has_the_share_of_costly_downloads_and_a_link_at_the_end_of_each_page(
    client: Client, letter: Letter, rf: RequestFactory
) -> None:
    assert costs.cost_of(rf.get(ADDRESS)) == costs.Cost.DOWNLOAD
    page = client.get("/ko/letters/bridge/").content.decode()
    assert page.count(f'href="/ko{ADDRESS}"') == 1
    assert page.index(f'href="/ko{ADDRESS}"') > page.index('<footer class="footer">')


def test_what_was_made_a_month_ago_is_made_again_for_who_asks(client: Client, letter: Letter, folder: Path) -> None:
    assert client.get(ADDRESS).status_code == 200
    (former,) = folder.iterdir()
    former.write_bytes(b"words that were taken back")
    os.utime(former, (time.time() - made_once.KEPT_SECONDS - 60,) * 2)
    middleware.page_cache.clear()
    assert client.get(ADDRESS).content.startswith(b"%PDF")


def test_what_was_made_a_month_ago_is_deleted_when_a_web_process_starts(folder: Path) -> None:
    folder.mkdir()
    (folder / "old.pdf").touch()
    (folder / "new.pdf").touch()
    os.utime(folder / "old.pdf", (time.time() - made_once.KEPT_SECONDS - 60,) * 2)
    start = "from campaign.asgi import application; from signatures.sharing import letter_pdf; print(letter_pdf._pdfs.folder)"
    environment = {
        **os.environ,
        "LOCAL": "True",
        "VAR_DIR": str(folder.parent),
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", start], cwd=BASE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{folder}\n", done.stderr
    assert [file.name for file in folder.iterdir()] == ["new.pdf"]


def test_what_was_made_a_month_ago_is_deleted_when_another_is_made(
    client: Client, letter: Letter, folder: Path
) -> None:
    assert client.get(ADDRESS).status_code == 200
    (former,) = folder.iterdir()
    os.utime(former, (0, 0))
    publish(revise(letter, "fr", WORDS))
    text_cache.clear_cache()
    assert client.get(f"/fr{ADDRESS}").status_code == 200
    assert former not in folder.iterdir() and len([*folder.iterdir()]) == 1
