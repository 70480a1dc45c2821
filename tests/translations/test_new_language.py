"""A new language needs a catalog and a file of PDF words: no code, no migration. `LANGUAGES` is the only list."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.test import Client
from pypdf import PdfReader

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from campaign.models.languages import language_choices
from campaign.translations import catalogs
from signatures.delivery import exports, pdf
from signatures.delivery.pdf import wording
from signatures.models import EmailSubject, Signature, Submission
from tests.factories import WORDS
from tests.inbox import Inbox
from tests.prepared import BASE

pytestmark = pytest.mark.django_db
GERMAN = ("de", "German")
TRANSLATED = {
    "Sign the letter": "Den Brief unterzeichnen",
    "Who may see your name?": "Wer darf Ihren Namen sehen?",
    "Please enter your name, or choose to be counted without it.": "Bitte geben Sie Ihren Namen an.",
    "Check your email": "Sehen Sie in Ihr Postfach",
}


@pytest.fixture
def german(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, letter: Letter) -> Letter:
    """A letter on a site with German: a catalog, and words for the PDF."""
    settings.LANGUAGES = [*settings.LANGUAGES, GERMAN]
    settings.LOCALE_PATHS = [write_catalog(tmp_path / "locale"), *settings.LOCALE_PATHS]
    folder = Path(shutil.copytree(wording.FOLDER, tmp_path / "wording"))
    words = (folder / "en.toml").read_text(encoding="utf-8")
    for english, translated in (
        ('locale = "en_GB"', 'locale = "de_DE"'),
        ('co_signed = "Co-signed by"', 'co_signed = "Mitunterzeichnet von"'),
        ('page = "Page {page} of {pages}"', 'page = "Seite {page} von {pages}"'),
    ):
        assert english in words
        words = words.replace(english, translated)
    (folder / "de.toml").write_text(words, encoding="utf-8")
    monkeypatch.setattr(wording, "FOLDER", folder)
    publish(revise(letter, "de", {**WORDS, "title": "Brief an die Ministerin für Brücken"}))
    return letter


def write_catalog(folder: Path) -> Path:
    """Writes a catalog with some strings in German, and all others marked with "de:"."""
    catalog = Catalog("de", fuzzy=False)
    for message in catalogs.extract_strings():
        if message.id and isinstance(message.id, str):
            catalog.add(message.id, TRANSLATED.get(message.id, f"de:{message.id}"), context=message.context)
    (folder / "de" / "LC_MESSAGES").mkdir(parents=True)
    with (folder / "de" / "LC_MESSAGES" / "django.mo").open("wb") as mo:
        write_mo(mo, catalog)
    return folder


def page_of(response: Any) -> str:
    return unescape(response.content.decode())


def test_the_letter_page_and_its_form_speak_the_new_language(client: Client, german: Letter) -> None:
    page = page_of(client.get("/de/letters/bridge/"))
    assert '<html lang="de" dir="ltr">' in page and "Brief an die Ministerin für Brücken" in page
    assert TRANSLATED["Sign the letter"] in page and TRANSLATED["Who may see your name?"] in page
    assert "Deutschland" in page, "names of countries"
    assert '<meta property="og:locale" content="de_DE">' in page
    assert '<a href="/de/letters/bridge/" lang="de" hreflang="de">Deutsch</a>' in page_of(
        client.get("/letters/bridge/")
    )


def test_signing_and_its_email_speak_the_new_language(
    client: Client, german: Letter, inbox: Inbox, link_in_mail: Callable[[], str]
) -> None:
    text = Translation.objects.get(language="de").digest
    form = {"name": "", "email": "zoe@example.org", "visibility": "public", "consent": "on", "text": text}
    refused = client.post("/de/letters/bridge/sign/", form)
    assert refused.status_code == 422
    assert TRANSLATED["Please enter your name, or choose to be counted without it."] in page_of(refused)

    accepted = client.post("/de/letters/bridge/sign/", {**form, "name": "Zoé"})
    assert TRANSLATED["Check your email"] in page_of(client.get(accepted["Location"]))
    assert Submission.objects.get().language == "de"
    assert link_in_mail().startswith("/de/signature/")
    body = inbox[-1].get_body(("plain",))
    assert body is not None and "de:" in body.get_content()


@pytest.mark.django_db(transaction=True)
def test_the_pdf_speaks_the_new_language(german: Letter, ada: Signature, tmp_path: Path) -> None:
    assert "de" in pdf.languages()
    exports.export_pdf(german, tmp_path / "letter.pdf", by=None, reason="a test", options=pdf.Options(language="de"))
    text = " ".join(page.extract_text() for page in PdfReader(tmp_path / "letter.pdf").pages)
    assert "Mitunterzeichnet von" in text and "Seite 1 von" in text and "Vereinigtes" in text


def test_staff_can_choose_the_new_language(german: Letter) -> None:
    assert GERMAN in language_choices()
    EmailSubject(mail="link", language="de", subject="Ihr Link").full_clean()


def test_the_new_language_needs_no_migration(tmp_path: Path) -> None:
    """In a process of its own, so that all code is imported with the longer list."""
    source = f"from tests.settings import *\nLANGUAGES = [*LANGUAGES, {GERMAN!r}]\n"
    (tmp_path / "german_settings.py").write_text(source, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(BASE)]),
        "DJANGO_SETTINGS_MODULE": "german_settings",
    }
    command = [sys.executable, "-W", "ignore", "manage.py", "makemigrations", "--check", "--dry-run"]
    done = subprocess.run(command, cwd=BASE, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "No changes detected"), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("language", "shown"),
    [("de-at", "de"), ("zh-tw", "zh-hant"), ("zh-hant-hk", "zh-hant"), ("zh", "zh-hans"), ("xx", "en")],
)
def test_the_pdf_takes_the_closest_language_that_has_words(german: Letter, language: str, shown: str) -> None:
    assert wording.Wording.suiting(language).language == shown


def test_every_language_of_the_site_has_words_for_the_pdf() -> None:
    assert {code for code, _name in language_choices()} <= set(pdf.languages())
