"""A translation that was corrected is a further text of its revision: package, receipts, page and PDF tell them apart."""

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from signatures.delivery import copies, delivered_pdf, exports, frozen_texts, pdf, receipts
from signatures.delivery.checker import check
from signatures.models import Delivery
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_signature

pytestmark = pytest.mark.django_db
FIRST, CORRECTED = "다리를 여러 주십시오", "다리를 열어 주십시오"  # the first has a slip


def korean(letter: Letter, title: str, **details: Any) -> Translation:
    texts = Translation.objects.get(revision__letter=letter, language="en").text_values()
    text = revise(letter, "ko", texts | {"title": title}, **details)
    publish(text)
    return text


@pytest.fixture
def corrected(letter: Letter) -> tuple[Translation, Translation]:
    """The Korean text with a slip, which somebody signs, and the corrected one."""
    first = korean(letter, FIRST)
    make_signature(letter, "김철수", translation=first, language="ko")
    make_signature(letter, "Zoe")
    return first, korean(letter, CORRECTED)


def whole(path: Path, **expected: Any) -> check.Result:
    result = check.check(path, check.Expected(**expected))
    assert (result.faults, result.code) == ([], 0)
    return result


def test_E12_a_package_with_a_corrected_translation_is_whole_and_so_is_each_receipt(
    letter: Letter, corrected: tuple[Translation, Translation], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = corrected
    make_signature(letter, "이영희", translation=second, language="ko")
    delivery = make_delivery(letter, tmp_path)
    for row in delivery.rows.all():
        receipt = str(receipts.issue(row)).encode()
        whole(tmp_path / "bridge-1.zip", digest=delivery.digest, receipt=receipt)
        (tmp_path / "mine.json").write_bytes(receipt)
        whole(tmp_path / "mine.json", digest=delivery.digest)
    call_command("verify_delivery", str(tmp_path / "bridge-1.zip"))
    said = capsys.readouterr().out
    assert said.endswith("Whole.\n") and "which of several texts in one language and revision" in said
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        names = [name.removeprefix("bridge-1/") for name in opened.namelist() if "/texts/" in name]
        stated = {text["file"]: text["sha256"] for text in delivery.claims["texts"]}
        assert names == list(stated) == ["texts/en.txt", "texts/ko.txt", "texts/ko-1-1.txt"]
        for name, digest in stated.items():
            assert hashlib.sha256(opened.read(f"bridge-1/{name}")).hexdigest() == digest
        assert (stated["texts/ko.txt"], stated["texts/ko-1-1.txt"]) == (second.digest, first.digest)
        read_me = opened.read("bridge-1/READ-ME.txt").decode()
    assert read_me.count("texts/ko.txt ") == read_me.count("texts/ko-1-1.txt ") == 1
    assert "A translation was corrected after it was signed." in read_me
    assert "which text of one language and revision each signature is of" in read_me


def test_a_text_that_was_corrected_before_anybody_signed_it_is_in_no_package(letter: Letter, tmp_path: Path) -> None:
    korean(letter, FIRST)
    second = korean(letter, CORRECTED)
    make_signature(letter, "이영희", translation=second, language="ko")
    delivery = make_delivery(letter, tmp_path)
    assert [(text["file"], text["sha256"]) for text in delivery.claims["texts"]][1:] == [
        ("texts/ko.txt", second.digest)
    ]
    whole(tmp_path / "bridge-1.zip", digest=delivery.digest)
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        assert "corrected" not in opened.read("bridge-1/READ-ME.txt").decode()


def test_a_text_is_what_its_digest_says(letter: Letter, tmp_path: Path) -> None:
    """A correction that is taken back, or of the recipient alone, gives a text that there was already."""
    first = korean(letter, FIRST)
    make_signature(letter, "김철수", translation=first, language="ko")
    make_signature(letter, "이영희", translation=korean(letter, CORRECTED), language="ko")
    again = korean(letter, FIRST)
    renamed = korean(letter, FIRST, recipient="시장님")
    assert first.digest == again.digest == renamed.digest and len({first.pk, again.pk, renamed.pk}) == 3
    delivery = make_delivery(letter, tmp_path)
    files = {text["file"]: text["sha256"] for text in delivery.claims["texts"]}
    assert list(files) == ["texts/en.txt", "texts/ko.txt", "texts/ko-1-1.txt"] and files["texts/ko.txt"] == first.digest
    whole(tmp_path / "bridge-1.zip", digest=delivery.digest)


def test_each_text_that_was_signed_has_a_name_of_its_own() -> None:
    """However often each of them was corrected."""
    texts = [
        {"language": "ko", "revision": revision, "digest": f"{revision}{at}", "authoritative": False, "signed": at != 2}
        for revision, number in ((1, 3), (2, 1), (3, 4))
        for at in range(1, number + 1)
    ]
    names = {text["digest"]: text["file"] for text in frozen_texts.with_files(texts)}
    assert names == {
        "34": "texts/ko.txt", "33": "texts/ko-3-3.txt", "31": "texts/ko-3-1.txt", "21": "texts/ko-2.txt",
        "13": "texts/ko-1.txt", "11": "texts/ko-1-1.txt",
    }  # fmt: skip


def test_a_package_that_is_made_again_has_the_names_that_its_statement_has(
    letter: Letter, corrected: tuple[Translation, Translation], tmp_path: Path
) -> None:
    """Also one that was frozen before it was kept which texts were signed: then each that a row may be of goes in."""
    delivery = make_delivery(letter, tmp_path)
    before = (tmp_path / "bridge-1.zip").read_bytes()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        texts = [{name: value for name, value in text.items() if name != "signed"} for text in delivery.texts]
        Delivery.objects.filter(pk=delivery.pk).update(texts=texts)
        cursor.execute("SET LOCAL session_replication_role = origin")
    delivery.refresh_from_db()
    make_files(delivery, tmp_path)
    assert (tmp_path / "bridge-1.zip").read_bytes() == before
    delivery.statement = ""
    assert [text["file"] for text in frozen_texts.in_package(delivery)] == [
        "texts/en.txt", "texts/ko.txt", "texts/ko-1-1.txt",
    ]  # fmt: skip


def test_the_page_shows_which_digest_is_of_which_file(
    client: Client, letter: Letter, corrected: tuple[Translation, Translation]
) -> None:
    make_delivery(letter)
    page = re.sub(r"\s+", " ", client.get("/deliveries/bridge/1/").content.decode())
    for file, text in (("texts/ko.txt", corrected[1]), ("texts/ko-1-1.txt", corrected[0])):
        assert f"Text of revision 1 (Korean) <bdi>{file}</bdi></dt> <dd><code>{text.digest}</code>" in page
    assert "Text of revision 1 (English)</dt>" in page


def annex(delivery: Delivery) -> list[tuple[str, str]]:
    words = pdf.Wording("en").record(
        pdf.Counts(2, 2, 0, revisions={1: 2}), delivered_pdf._record(delivery), is_draft=False
    )
    return [(text["language"], text["digest"]) for text in words["texts"][0]["digests"]]


def test_E13_the_annex_has_the_texts_of_the_package_and_numbers_those_of_one_language(
    letter: Letter, corrected: tuple[Translation, Translation]
) -> None:
    english = Translation.objects.get(revision__letter=letter, language="en").digest
    assert annex(make_delivery(letter)) == [
        ("English", english), ("한국어 (1)", corrected[0].digest), ("한국어 (2)", corrected[1].digest),
    ]  # fmt: skip


def test_E13_a_text_that_nobody_signed_before_it_was_corrected_is_not_in_the_annex(letter: Letter) -> None:
    korean(letter, FIRST)
    second = korean(letter, CORRECTED)
    make_signature(letter, "Zoe")
    assert annex(make_delivery(letter))[1:] == [("한국어", second.digest)]


def test_a_copy_and_the_title_are_of_the_corrected_text(letter: Letter, tmp_path: Path) -> None:
    for title in (FIRST, CORRECTED):
        newest = korean(letter, title)
    make_signature(letter, "Zoe")
    delivery = make_delivery(letter)
    assert copies._texts(delivery, exports.Edition(("ko",))) == [newest]


def test_the_main_text_is_the_newest_where_no_language_is_authoritative() -> None:
    texts = [
        {"language": language, "revision": 1, "digest": digest, "authoritative": False, "translation": at}
        for at, (language, digest) in enumerate((("en", "slip"), ("en", "corrected"), ("ko", "x")))
    ]
    assert frozen_texts.main_text(texts)["digest"] == "corrected"
    assert frozen_texts.newest(texts)["en"]["translation"] == 1
