"""The statement says what was delivered and how it came about, and no more; its files are the ones it names."""

import csv
import hashlib
import io
import json
import zipfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from campaign.letters import text
from campaign.models import Letter, Logo
from signatures.audit import audit_log
from signatures.delivery import freezing, frozen_texts, statement
from signatures.delivery.checker import check
from signatures.delivery.errata import kinds_of_errata
from signatures.models import AuditEntry, Delivery, DeliveryEdition, DeliveryErasure, Signature
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import Kind, State, Visibility
from tests.admin_forms import fill_in
from tests.delivery.factories import day_of, make_delivery, make_files
from tests.delivery.packages import OTHER_KEY, minisign, public_key
from tests.delivery.tamperings import stamp
from tests.factories import make_logo, make_many, make_signature

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed(letter: Letter) -> Letter:
    make_many(letter, 6)
    make_signature(letter, "Ben", country="KR")
    make_signature(letter, "Bund", kind=Kind.ORGANIZATION, country="DE")
    make_signature(letter, "On Paper", paper=True, address_hash=None)
    for _each in range(2):
        make_signature(letter, "", visibility=Visibility.COUNTED, country="KP")
    make_signature(letter, "Waiting", State.WAITING)
    return letter


def packed(folder: Path, number: int = 1) -> dict[str, bytes]:
    """The files of the package, by their names inside its folder."""
    with zipfile.ZipFile(folder / f"bridge-{number}.zip") as bundle:
        assert {name.partition("/")[0] for name in bundle.namelist()} == {f"bridge-{number}"}
        return {name.partition("/")[2]: bundle.read(name) for name in bundle.namelist()}


def test_the_digest_is_that_of_the_canonical_statement_everywhere(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    content = packed(tmp_path)["statement.json"]
    assert rfc8785.dumps(json.loads(content)) == content == delivery.statement.encode()
    assert hashlib.sha256(content).hexdigest() == delivery.digest
    stated = AuditEntry.objects.get(action=AuditAction.STATE)
    assert stated.detail == {"delivery": delivery.pk, "number": 1, "digest": delivery.digest}
    assert delivery.digest in packed(tmp_path)["READ-ME.txt"].decode()
    assert delivery.claims["list"] == {"root": delivery.root, "leaves": 11}


def test_the_breakdowns_are_those_of_the_named_rows(signed: Letter, tmp_path: Path) -> None:
    counts = make_delivery(signed, tmp_path).claims["counts"]
    rows = list(csv.DictReader(io.StringIO(packed(tmp_path)["signatories.csv"].decode("utf-8-sig"))))
    assert len(rows) == counts["named"] == 9
    assert counts["by_revision"] == Counter(row["revision"] for row in rows)
    assert counts["by_language"] == {"en": 9}
    assert counts["by_country"] == {"*": 9}, "each has fewer than five"
    assert counts["by_source"] == {"web": 8, "paper": 1, "evidence": 0}
    weeks = Counter(f"{date.fromisoformat(row['signed_on']):%G-W%V}" for row in rows)
    assert counts["by_week"] == weeks and len(weeks) == 1
    assert counts["organizations"] == 1 and counts["delivered"] == 11 and counts["waiting"] == 1


def test_P4_a_country_with_fewer_than_five_names_is_not_told(letter: Letter) -> None:
    """Each signer reads it in the receipt, and could subtract the names on the public list."""
    for number in range(7):
        make_signature(letter, f"Briton {number}", country="GB")
    for number in range(6):
        make_signature(letter, f"German {number}", country="DE")
    make_signature(letter, "Hidden", country="KP", visibility=Visibility.DELIVERY)
    by_country = make_delivery(letter).claims["counts"]["by_country"]
    assert by_country == {"GB": 7, "*": 7}, "with the next smallest, so that “*” is no single country either"


def test_a_row_has_the_language_of_the_text_that_was_signed(signed: Letter) -> None:
    """Signatures from before that was stored have the language of the page, in which there may be no text at all."""
    make_signature(signed, "Old", language="ko")
    delivery = make_delivery(signed)
    assert delivery.rows.get(name="Old").language == "en"
    assert delivery.claims["counts"]["by_language"] == {"en": 10}


def test_how_it_was_confirmed_and_looked_at_is_counted_and_not_assumed(signed: Letter) -> None:
    for signature in Signature.objects.filter(letter=signed, state=State.APPROVED)[:4]:
        audit_log.record(AuditAction.APPROVE, staff_id=7, letter_id=signed.pk, signature_id=signature.pk)
    by_rule = Signature.objects.filter(letter=signed, state=State.APPROVED)[4]
    audit_log.record(AuditAction.APPROVE, letter_id=signed.pk, signature_id=by_rule.pk)
    claims = make_delivery(signed).claims
    assert claims["method"] == {
        "moderation": "before", "confirmed": {"email": 10, "paper": 1, "evidence": 0}, "looked_at": 4,
    }  # fmt: skip
    assert claims["counts"]["by_decision"] == {"approve": 4, "approve-by-rule": 1}


@pytest.mark.parametrize("looked_at", [0, 3])
def test_E13_the_read_me_says_what_the_statement_says(signed: Letter, tmp_path: Path, looked_at: int) -> None:
    for signature in Signature.objects.filter(letter=signed, state=State.APPROVED)[:looked_at]:
        audit_log.record(AuditAction.APPROVE, staff_id=7, letter_id=signed.pk, signature_id=signature.pk)
    make_delivery(signed, tmp_path)
    words = " ".join(packed(tmp_path)["READ-ME.txt"].decode().split())
    assert "10 were confirmed by a link that was sent to an email address" in words
    assert "1 was given on paper, and entered by the organization: no email address confirmed it" in words
    assert "on evidence" not in words
    assert ("none was decided on by a person" in words) is not looked_at
    assert (f"{looked_at} of 11 were decided on by a person" in words) is bool(looked_at)
    for claim in ("a person looked at", "the list is complete", "minisign"):
        assert claim not in words


def test_E13_the_read_me_tells_the_rule_of_the_moment_of_freezing_and_what_the_signatures_tell(
    signed: Letter, tmp_path: Path
) -> None:
    """The letter showed names at once, until staff changed its rule in the last minute."""
    for signature in Signature.objects.filter(letter=signed, state=State.APPROVED)[:4]:
        audit_log.record(AuditAction.APPROVE, staff_id=7, letter_id=signed.pk, signature_id=signature.pk)
    make_delivery(signed, tmp_path)
    words = " ".join(packed(tmp_path)["READ-ME.txt"].decode().split())
    assert (
        "4 of 11 were decided on by a person 7 were approved without that, by the rule that the letter had then, "
        "or when they were entered from paper when the list was frozen, the rule of the letter was that a name waits until "
        "it is approved; it can be changed at any time that 2 people"
    ) in words
    for signature in Signature.objects.filter(letter=signed, state=State.APPROVED)[4:]:
        audit_log.record(AuditAction.APPROVE, staff_id=7, letter_id=signed.pk, signature_id=signature.pk)
    make_delivery(signed, tmp_path)
    assert "approved without that" not in packed(tmp_path, 2)["READ-ME.txt"].decode()


def test_E13_the_read_me_has_the_days_on_which_the_rule_of_a_published_letter_was_changed(
    client: Client, editor: User, signed: Letter, tmp_path: Path
) -> None:
    Letter.objects.update(moderation="after")
    signed.refresh_from_db()
    audit_log.record(AuditAction.SET_LETTER, letter_id=signed.pk, reason="goal: 5 → 6, protected_names")
    make_delivery(signed, tmp_path)
    words = " ".join(packed(tmp_path)["READ-ME.txt"].decode().split())
    assert "a name without a flag appears at once; it can be changed at any time that 2" in words, "nobody did"
    client.force_login(editor)
    page = f"/admin/campaign/letter/{signed.pk}/step/signing/"
    answer = client.post(page, fill_in(client, page, moderation="before"))
    assert answer.status_code == 302, answer.context["errors"]
    audit_log.record(AuditAction.SET_LETTER, letter_id=signed.pk, reason="goal, moderation")  # from a folder
    signed.refresh_from_db()
    delivery = make_delivery(signed, tmp_path)
    assert delivery.claims["method"]["moderation"] == "before" and "rule_changed" not in delivery.claims["method"]
    today = f"{timezone.now():%Y-%m-%d}"
    words = " ".join(packed(tmp_path, 2)["READ-ME.txt"].decode().split())
    assert (
        "the rule of the letter was that a name waits until it is approved; it can be changed at any time, "
        f"and was on {today} (UTC)"
    ) in words


def test_the_read_me_counts_one_as_one(letter: Letter, tmp_path: Path) -> None:
    counted = make_signature(letter, "", visibility=Visibility.COUNTED)
    make_signature(letter, "Rejected", State.REJECTED)
    audit_log.record(AuditAction.APPROVE, staff_id=7, letter_id=letter.pk, signature_id=counted.pk)
    make_delivery(letter, tmp_path)
    words = " ".join(packed(tmp_path)["READ-ME.txt"].decode().split())
    for sentence in (
        "1 signature in all", "1 was not accepted", "1 was confirmed by a link", "1 of 1 was decided on by a person",
        "that 1 person asked to be counted without their name The breakdowns",
    ):  # fmt: skip
        assert sentence in words


def test_each_text_is_a_file_with_the_bytes_whose_digest_is_stated(signed: Letter, tmp_path: Path) -> None:
    texts = make_delivery(signed, tmp_path).claims["texts"]
    files = packed(tmp_path)
    assert (
        [entry["file"] for entry in texts] == [name for name in files if name.startswith("texts/")] == ["texts/en.txt"]
    )
    for entry in texts:
        assert hashlib.sha256(files[entry["file"]]).hexdigest() == entry["sha256"]
    assert text.canonical([files["texts/en.txt"].decode()]) == files["texts/en.txt"]


def test_a_former_wording_is_in_the_package_where_somebody_signed_it() -> None:
    texts = [
        {"language": language, "revision": revision, "digest": "", "authoritative": language == "en",
         "signed": (language, revision) in {("en", 2), ("fr", 1)}}
        for language, revision in (("en", 1), ("en", 2), ("en", 3), ("fr", 1), ("ko", 2))
    ]  # fmt: skip
    found = frozen_texts.with_files(texts)
    assert [entry["file"] for entry in found] == [
        "texts/en.txt", "texts/en-2.txt", "texts/fr.txt", "texts/ko.txt",
    ]  # fmt: skip


def test_the_next_delivery_names_the_former_statement_and_its_errata(signed: Letter) -> None:
    first = make_delivery(signed)
    freezing.hand_over(first, by=None, on=day_of(first), to="The Embassy")
    ben, bund, paper = (Signature.objects.get(name=name) for name in ("Ben", "Bund", "On Paper"))
    withdrawal.withdraw(ben)
    withdrawal.erase(bund)
    withdrawal.withdraw(paper)
    withdrawal.erase(paper)
    assert kinds_of_errata(first) == {"withdrawn": 1, "erased": 2, "rejected": 0}
    claims = make_delivery(signed).claims
    assert claims["previous"] == first.digest
    assert claims["since_last"] == {"delivery": 1, "added": 0, "gone": 3}
    assert claims["errata"] == [{"delivery": 1, "withdrawn": 1, "erased": 2, "rejected": 0}]


def test_an_erasure_is_recorded_and_makes_an_edition_with_its_erratum(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    digest = delivery.digest
    freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The Embassy")
    entry = delivery.rows.get(name="Ben")
    withdrawal.erase(Signature.objects.get(name="Ben"))
    delivery.refresh_from_db()
    assert delivery.remake_wanted
    make_files(delivery, tmp_path)
    listed = json.loads(packed(tmp_path)["files.json"])
    assert (listed["edition"], listed["reason"], listed["statement"], delivery.digest) == (2, "erased", digest, digest)
    (erasure,) = listed["erasures"]
    assert (erasure["place"], erasure["number"], erasure["erratum"]) == (entry.place, entry.number, 1)
    assert erasure["at"].endswith("T00:00:00Z"), "the day alone"
    line = packed(tmp_path)["signatories.csv"].decode("utf-8-sig").split("\r\n")[entry.number or 0]
    assert line == f"{entry.number},,,,,,,,,"


def test_a_clock_that_went_back_makes_no_package_that_a_checker_refuses(
    signed: Letter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = make_delivery(signed, tmp_path)
    two_days_ago = timezone.now() - timedelta(days=2)
    with monkeypatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: two_days_ago)
        withdrawal.erase(Signature.objects.get(name="Ben"))
        delivery.refresh_from_db()
        make_files(delivery, tmp_path)
    listed = json.loads(packed(tmp_path)["files.json"])
    assert listed["made_at"] == delivery.claims["frozen_at"]
    assert [erasure["at"][:10] for erasure in listed["erasures"]] == [listed["made_at"][:10]]
    assert check.check(tmp_path / delivery.package, check.Expected()).verdict == "Whole, but 1 blanked with record."


def test_a_clock_set_back_over_midnight_between_erasure_and_build_makes_no_package_that_is_refused(
    signed: Letter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased on the day after, by a clock that was then set right."""
    delivery = make_delivery(signed, tmp_path)
    tomorrow = timezone.now() + timedelta(days=1)
    with monkeypatch.context() as patched:
        patched.setattr("django.utils.timezone.now", lambda: tomorrow)
        withdrawal.erase(Signature.objects.get(name="Ben"))
    delivery.refresh_from_db()
    make_files(delivery, tmp_path)
    listed = json.loads(packed(tmp_path)["files.json"])
    assert listed["made_at"] == listed["erasures"][0]["at"] == f"{tomorrow:%Y-%m-%d}T00:00:00Z"
    assert check.check(tmp_path / delivery.package, check.Expected()).verdict == "Whole, but 1 blanked with record."


@pytest.mark.parametrize(
    ("change", "reason"),
    [("nothing", None), ("address", "address"), ("letter", "fonts"), ("program", "remade")],
)
def test_E12_files_that_differ_are_a_new_edition_with_its_reason(
    signed: Letter, tmp_path: Path, settings: Any, change: str, reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = make_delivery(signed, tmp_path)
    first = (tmp_path / "bridge-1.zip").read_bytes()
    match change:
        case "address":
            settings.SITE_URL = "https://other.example"
        case "program":
            monkeypatch.setattr(statement, "SOFTWARE", "undersigned 9.9.9")
    make_files(delivery, tmp_path, letter=b"%PDF-1.7 other fonts" if change in {"letter", "program"} else b"")
    assert ((tmp_path / "bridge-1.zip").read_bytes() == first) is (reason is None)
    assert list(delivery.editions.values_list("reason", flat=True)) == ["made", *([reason] if reason else [])]
    newest = delivery.editions.order_by("-number")[0]
    assert newest.package == hashlib.sha256((tmp_path / "bridge-1.zip").read_bytes()).hexdigest()
    assert packed(tmp_path)["statement.json"] == delivery.statement.encode()


def test_the_archive_is_one_folder_with_the_day_of_freezing(signed: Letter, tmp_path: Path) -> None:
    frozen_at = make_delivery(signed, tmp_path).frozen_at
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as bundle:
        moment = (frozen_at.year, frozen_at.month, frozen_at.day, frozen_at.hour, frozen_at.minute)
        assert {entry.date_time[:5] for entry in bundle.infolist()} == {moment}
        assert {entry.date_time[5] for entry in bundle.infolist()} == {frozen_at.second // 2 * 2}
        assert bundle.testzip() is None


def attest(delivery: Delivery, *what: str) -> Delivery:
    """Stores what others attest of its statement, as a checker wants it: the heart of a time stamp, a signature."""
    values: dict[str, object] = {}
    if "time stamp" in what:
        values["time_stamp"] = stamp(bytes.fromhex(delivery.digest))
    if "auditor" in what:
        signature = minisign(delivery.statement.encode(), OTHER_KEY, "seen by the auditor", b"auditor!")
        values |= {"countersignature": signature.decode(), "auditor_key": public_key(OTHER_KEY, b"auditor!")}
    Delivery.objects.filter(pk=delivery.pk).update(**values)
    delivery.refresh_from_db()
    return delivery


@pytest.mark.parametrize(
    ("attested", "typeset", "reason"),
    [
        (["time stamp"], b"", "time-stamp"),
        (["auditor"], b"", "auditor"),
        (["time stamp"], b"%PDF-1.7 other fonts", "remade"),
        (["time stamp", "auditor"], b"", "remade"),
    ],
)
def test_E12_what_was_attested_is_the_reason_of_an_edition_only_where_it_explains_all_that_changed(
    signed: Letter, tmp_path: Path, attested: list[str], typeset: bytes, reason: str
) -> None:
    delivery = make_delivery(signed, tmp_path)
    make_files(attest(delivery, *attested), tmp_path, letter=typeset)
    assert list(delivery.editions.values_list("reason", flat=True)) == ["made", reason]
    assert json.loads(packed(tmp_path)["files.json"])["reason"] == reason


def test_E12_a_replaced_logo_is_the_reason_of_an_edition_and_other_fonts_after_it_are_another(
    signed: Letter, client: Client, tmp_path: Path
) -> None:
    make_logo(signed)
    delivery = make_delivery(signed, tmp_path)
    Logo.objects.all().delete()
    make_logo(signed, "#7a1f1f")
    make_files(delivery, tmp_path, letter=b"%PDF-1.7 without the logo")
    make_files(delivery, tmp_path, letter=b"%PDF-1.7 other fonts")
    assert list(delivery.editions.values_list("reason", flat=True)) == ["made", "letterhead", "fonts"]
    said = check.check(tmp_path / delivery.package, check.Expected())
    assert said.verdict == "Whole."
    page = client.get("/deliveries/bridge/1/").content.decode()
    assert "made anew, because an image of the letter was replaced" in page


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE signatures_delivery SET statement = 'x'",
        "UPDATE signatures_delivery SET statement_sha256 = NULL",
        "UPDATE signatures_delivery SET signature = 'x'",
        "UPDATE signatures_delivery SET method = '{}'",
        "UPDATE signatures_delivery SET format = 1",
        "UPDATE signatures_deliveryedition SET reason = 'fonts'",
        "DELETE FROM signatures_deliveryedition",
        "UPDATE signatures_deliveryerasure SET erratum = 9",
        "DELETE FROM signatures_deliveryerasure",
        "UPDATE signatures_deliveryentry SET source = 'paper'",
    ],
)
def test_the_database_refuses_to_change_what_was_stated(signed: Letter, change: str) -> None:
    delivery = make_delivery(signed)
    withdrawal.erase(Signature.objects.get(name="Ben"))
    assert DeliveryEdition.objects.exists() and DeliveryErasure.objects.filter(delivery=delivery).exists()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)


def test_two_deliveries_cannot_have_one_digest(signed: Letter) -> None:
    first = make_delivery(signed)
    second = freezing._freeze(signed, None, "for a test")
    with pytest.raises(IntegrityError, match="statement_sha256"), transaction.atomic():
        Delivery.objects.filter(pk=second.pk).update(root="ab" * 32, statement_sha256=first.statement_sha256)
