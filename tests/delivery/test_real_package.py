"""What the product makes is whole for the checkers that it ships, and holds only what is delivered."""

import csv
import hashlib
import io
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaign.models import Letter
from campaign.runtime import keys
from signatures.delivery import receipts, zip_archive
from signatures.delivery.checker import check
from signatures.models import Signature
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_many, make_signature

STARTS = ["=1+1", "+82", "-1", "@x", "＝1", "＠x", "\t=1", " =1", "\u3000=1", "'=1", "'", '"', "\\", "a,b", 'a "b", c']


@pytest.fixture
def signed(letter: Letter) -> Letter:
    make_signature(letter, "Zoe", country="DE")
    make_signature(letter, "김철수", country="KR", visibility=Visibility.DELIVERY)
    make_many(letter, 20)
    for _each in range(3):
        make_signature(letter, "", visibility=Visibility.COUNTED, country="KP")
    make_signature(letter, "WaitingSignature", State.WAITING)
    return letter


@pytest.fixture(params=[True, False], ids=["with a key", "without a key"])
def key(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    if request.param:
        keys.signing_key(tmp_path / "delivery.private")
        settings.DELIVERY_SIGNING_KEY_FILE = str(tmp_path / "delivery.private")


@pytest.mark.django_db
def test_a_delivery_is_whole_and_each_receipt_belongs_to_it(signed: Letter, key: None, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    for row in (delivery.rows.get(name="김철수"), delivery.rows.filter(number=None)[0]):
        receipt = str(receipts.issue(row)).encode()
        expected = check.Expected(digest=delivery.digest, receipt=receipt)
        result = check.check(tmp_path / "bridge-1.zip", expected)
        assert (result.faults, result.code) == ([], 0)
        (tmp_path / "mine.json").write_bytes(receipt)
        assert check.check(tmp_path / "mine.json", check.Expected(digest=delivery.digest)).code == 0


@pytest.mark.django_db
def test_the_package_holds_the_checkers_that_are_tested(signed: Letter, tmp_path: Path) -> None:
    make_delivery(signed, tmp_path)
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        for name in ("check.py", "check.html"):
            assert opened.read(f"bridge-1/{name}") == Path(check.__file__).with_name(name).read_bytes()


@pytest.mark.django_db
def test_R8_a_package_made_again_without_who_was_erased_is_whole_with_record(
    signed: Letter, key: None, tmp_path: Path
) -> None:
    delivery = make_delivery(signed, tmp_path)
    number = delivery.rows.get(name="김철수").number
    withdrawal.erase(Signature.objects.get(name="김철수"))
    withdrawal.erase(Signature.objects.filter(visibility=Visibility.COUNTED)[0])
    result = check.check(make_files(delivery, tmp_path), check.Expected(digest=delivery.digest))
    assert (result.faults, result.code, result.blanked) == ([], 3, 2)
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        assert f"\r\n{number},,,,,,,,,\r\n".encode() in opened.read("bridge-1/signatories.csv")
        assert "김철수".encode() not in b"".join(opened.read(name) for name in opened.namelist())


@pytest.mark.django_db
def test_E1_a_formula_is_guarded_and_its_leaf_is_of_the_unguarded_words(letter: Letter, tmp_path: Path) -> None:
    for start in STARTS:
        make_signature(letter, start, role=start, organization=start)
    delivery = make_delivery(letter, tmp_path)
    assert check.check(tmp_path / "bridge-1.zip", check.Expected()).faults == []
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        rows = list(csv.reader(io.TextIOWrapper(opened.open("bridge-1/signatories.csv"), "utf-8-sig", newline="")))
    assert not any(check.is_formula(cell) for row in rows for cell in row)
    words = {cells[2] for entry in delivery.rows.all() if (cells := receipts.issue(entry).row)}
    assert words == set(STARTS)


@pytest.mark.django_db
def test_E2_a_package_holds_only_what_is_delivered(signed: Letter, tmp_path: Path) -> None:
    for state in State:
        for visibility in Visibility:
            has_words = state != State.WITHDRAWN and visibility != Visibility.COUNTED
            comment = "Canary-comment" if has_words else ""
            make_signature(signed, f"Canary-{state}-{visibility}-", state, visibility, comment=comment)
    make_delivery(signed, tmp_path)
    content = (tmp_path / "bridge-1.zip").read_bytes()
    assert set(re.findall(rb"Canary-[a-z]+-[a-z]*", content)) == {
        b"Canary-approved-public",
        b"Canary-approved-delivery",
    }
    assert b"Canary-comment" not in content
    assert check.check(tmp_path / "bridge-1.zip", check.Expected()).faults == []


@pytest.mark.django_db
def test_E10_the_next_delivery_names_the_digest_of_the_one_before(signed: Letter, tmp_path: Path) -> None:
    first = make_delivery(signed, tmp_path)
    make_many(signed, 2)
    second = make_delivery(signed, tmp_path)
    result = check.check(tmp_path / "bridge-2.zip", check.Expected(digest=second.digest))
    assert result.faults == []
    assert result.statement is not None and result.statement["previous"] == first.digest
    stated = zipfile.ZipFile(tmp_path / "bridge-1.zip").read("bridge-1/statement.json")
    assert hashlib.sha256(stated).hexdigest() == first.digest
    assert (
        "receipt: it is of another delivery."
        in check.check(
            tmp_path / "bridge-2.zip", check.Expected(receipt=str(receipts.issue(first.rows.all()[0])).encode())
        ).faults
    )


def test_a_package_that_would_be_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "MAX_BYTES", 100_000)
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(zip_archive.TooLarge):
        zip_archive.write_zip(io.BytesIO(), {"x": tmp_path / "x"}, at=datetime(2026, 5, 4, tzinfo=UTC))
