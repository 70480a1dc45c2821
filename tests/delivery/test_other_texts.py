"""People signed a text, and the letter went on to another: nothing that is handed over passes one off for the other."""

import io
import re
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pypdf import PdfReader

from campaign.letters.languages import plural_category
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from signatures.delivery import delivered_pdf, document_data, exports, looks
from signatures.delivery.pdf import Counts, Wording, languages
from signatures.management.commands import worker
from signatures.states import Visibility
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_signature

pytestmark = pytest.mark.django_db
SENTENCE = "3 signatures were given to text no. 1 of this letter, not to text no. 2, the text of this document."
NEXT = WORDS | {"title": "The bridge, again", "body": "Another wording."}


@pytest.fixture
def moved_on(letter: Letter) -> Letter:
    """Three people signed, one of them counted only. Then an editor published another wording, which nobody signed."""
    make_signature(letter, "Ada Lovelace")
    make_signature(letter, "Ben Brook")
    make_signature(letter, "", visibility=Visibility.COUNTED)
    publish(revise(letter, "en", NEXT, authoritative=True))
    return letter


def sign_newest(letter: Letter, name: str) -> None:
    make_signature(letter, name, translation=Translation.objects.shown(letter.slug)[0])


def page_of(client: Client) -> str:
    return re.sub(r"\s+", " ", client.get("/deliveries/bridge/1/").content.decode())


def read_me(folder: Path) -> str:
    with zipfile.ZipFile(folder / "bridge-1.zip") as bundle:
        return " ".join(bundle.read("bridge-1/READ-ME.txt").decode().split())


def text_of(file: Path) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(file).pages)


def test_E13_page_and_read_me_tell_that_nobody_signed_the_text_of_the_delivered_letter(
    client: Client, moved_on: Letter, tmp_path: Path
) -> None:
    make_delivery(moved_on, tmp_path)
    assert "3 of them signed revision 1 of the text. The letter that is delivered has revision 2." in page_of(client)
    said = read_me(tmp_path)
    assert "The letter in the PDF is revision 2 of the text. Of the signatures, 3 are of revision 1" in said


def test_E13_they_tell_it_also_where_some_have_signed_that_text(
    client: Client, moved_on: Letter, tmp_path: Path
) -> None:
    sign_newest(moved_on, "Zoe")
    make_delivery(moved_on, tmp_path)
    page = page_of(client)
    assert "3 of them signed revision 1 of the text. 1 of them signed revision 2 of the text." in page
    assert "The letter that is delivered has revision 2." in page
    assert "Of the signatures, 3 are of revision 1" in read_me(tmp_path)


def test_where_everybody_signed_the_text_of_the_letter_nothing_is_said_of_others(
    client: Client, letter: Letter, tmp_path: Path
) -> None:
    publish(revise(letter, "en", NEXT, authoritative=True))
    sign_newest(letter, "Zoe")
    delivery = make_delivery(letter, tmp_path)
    assert "revision 2 of the text" not in page_of(client) and "The letter in the PDF is" not in read_me(tmp_path)
    for language in languages():
        assert Wording(language).of_other_texts(document_data.pdf_counts(delivery.counts), [2]) == []


@pytest.mark.parametrize("language", languages())
def test_each_language_has_the_sentence_for_each_form_of_its_plural(language: str) -> None:
    wording = Wording(language)
    forms = wording.words["count"]["of_other_texts"]
    for number in (1, 2, 5, 11, 100, 1_000_000):
        (said,) = wording.of_other_texts(Counts(number + 7, number, 7, revisions={8: number, 9: 7}), [9])
        form = forms[plural_category(language, number)]
        assert said == form.format(n=wording.number(number), others=8, shown=9)
    assert all("{others}" in form and "{shown}" in form for form in forms.values())
    assert len(set(forms.values())) == len(forms), "each form is worded for itself"


def test_several_other_texts_are_one_sentence_and_each_text_of_the_document_has_its_own() -> None:
    counts = Counts(6, 6, 0, revisions={1: 1, 2: 2, 3: 3})
    english = Wording("en")
    assert english.of_other_texts(counts, [3]) == [
        "3 signatures were given to text no. 1, 2 of this letter, not to text no. 3, the text of this document."
    ]
    said = english.of_other_texts(counts, [3, 2, 3])  # in two languages, one of which has not got the newest wording
    assert [re.findall(r"\d", sentence) for sentence in said] == [["4", "1", "3", "2"], ["3", "1", "2", "3"]]


def test_the_annex_lists_each_text_that_the_package_holds_with_its_digest(moved_on: Letter) -> None:
    """Also the printed one that nobody signed."""
    delivery = make_delivery(moved_on)
    stated = {text["sha256"] for text in delivery.claims["texts"]}
    counts, record = document_data.pdf_counts(delivery.counts), delivered_pdf._record(delivery)
    for language in languages():
        words = Wording(language).record(counts, record, is_draft=False)
        assert {text["digest"] for one in words["texts"] for text in one["digests"]} == stated and len(stated) == 2
    words = Wording("en").record(counts, record, is_draft=False)
    assert words["texts-title"] == "Texts of the letter"
    assert [one["label"] for one in words["texts"]] == ["Text no. 1: 3 signatures", "Text no. 2: 0 signatures"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_E13_drafts_and_copies_tell_it_above_the_names(moved_on: Letter, tmp_path: Path) -> None:
    make_delivery(moved_on)
    out = tmp_path / "letter.pdf"
    for options in ({"draft": True}, {"delivery": 1, "annex": False}, {"parts": "names"}):
        chosen: dict[str, Any] = options
        call_command("export_pdf", "bridge", reason="a test", out=out, stderr=io.StringIO(), **chosen)
        said = text_of(out)
        order = [
            said.index(words) for words in ("Co-signed by", "3 signatures: 2 named here", SENTENCE, "Ada Lovelace")
        ]
        assert all(before < after for before, after in pairwise(order)), options
    call_command("export_pdf", "bridge", reason="a test", out=out, stderr=io.StringIO(), parts="letter")
    assert "signatures" not in text_of(out)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_E13_where_nobody_is_named_it_stands_below_the_letter(letter: Letter, tmp_path: Path) -> None:
    make_signature(letter, "", visibility=Visibility.COUNTED)
    publish(revise(letter, "en", NEXT, authoritative=True))
    call_command("export_pdf", "bridge", reason="a test", out=tmp_path / "x.pdf", stderr=io.StringIO(), annex=False)
    said = "1 signature was given to text no. 1 of this letter, not to text no. 2, the text of this document."
    assert f"1 signature, of someone who asked to be counted without their name. {said}" in text_of(tmp_path / "x.pdf")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_E14_the_officer_learns_before_freezing_that_people_signed_another_text(
    moved_on: Letter, officer: User
) -> None:
    found = looks.shown(moved_on, looks.take(moved_on, "a4"))
    assert (found.text, found.of_other_texts) == (2, [[1, 3]])
    client = Client()
    client.force_login(officer)
    asked = client.post(f"/admin/signatures/delivery/look/{moved_on.pk}/", {"paper": "a4"})["Location"]
    worker.run_tasks()
    page = " ".join(client.get(asked).content.decode().split())
    assert "Not everybody signed the text in it, which is revision 2: 3 signatures of revision 1." in page


@pytest.mark.django_db(transaction=True)
def test_what_is_looked_at_before_freezing_is_the_text_that_freezing_would_print(
    letter: Letter, officer: User, settings: Any
) -> None:
    """That of the newest wording, although the site speaks another language in which there is only an older one."""
    settings.LANGUAGE_CODE = "ko"
    publish(revise(letter, "ko", WORDS | {"title": "다리"}))
    publish(revise(letter, "en", NEXT, authoritative=True))
    make_signature(letter, "Ada Lovelace")
    edition = exports.edition_of_delivery(letter)
    assert [text.title for text in edition.texts_of(letter)] == [NEXT["title"]]
    frozen = make_delivery(letter)
    assert frozen.claims["letter"]["title"] == NEXT["title"], "as freezing has it"
    client = Client()
    client.force_login(officer)
    page = client.get(f"/admin/signatures/delivery/freeze/{letter.pk}/").content.decode()
    assert '<input type="hidden" name="pdf_language" value="en">' in page
