"""What is kept, and how long."""

import csv
import hashlib
from datetime import UTC, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import retention, tasks, tombstones
from signatures.audit import audit_log
from signatures.models import AuditEntry, OutboxMail, RateBucket, Signature, Submission, Suppression, Tombstone
from signatures.registries import AuditAction
from signatures.screening import rate_limits
from signatures.signing import withdrawal
from signatures.states import State
from signatures.values import sealing, tokens
from tests.factories import make_letter, make_mail, make_signature, make_submission

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def own_var_dir(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path


def test_R7_a_sign_up_that_is_not_confirmed_within_seven_days_goes_with_its_mails(letter: Letter) -> None:
    now = timezone.now()
    old = make_submission(letter, "Old", signed_up_at=now - 7 * DAY)
    new = make_submission(letter, "New", signed_up_at=now - 6 * DAY)
    make_signature(letter, "Confirmed", State.WAITING, signed_up_at=now - 8 * DAY)
    for row in (old, new):
        make_mail(row, "somebody@example.org")

    assert retention.prune()["submissions"] == 1

    assert [row.name for row in Submission.objects.all()] == ["New"]
    assert [mail.signature_id for mail in OutboxMail.objects.all()] == [new.pk], "the address goes with it"
    assert Signature.objects.get().name == "Confirmed"


def test_S44_a_flood_of_flagged_sign_ups_makes_room_and_what_came_from_elsewhere_stays(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        make_submission(letter, f"Flood {number}", flags=["rate"], network="flood")
    for number in range(2):
        make_submission(letter, f"Shared {number}", flags=["rate"], network="office")
        make_submission(letter, f"Without a flag {number}", network="flood")
    for number in range(4):
        make_submission(letter, f"Days ago {number}", flags=["rate"], network="")  # its digest is deleted by now

    monkeypatch.setattr(retention, "MOST_FLAGGED", 9)
    assert retention.make_room() == 3
    left = list(Submission.objects.order_by("pk").values_list("name", flat=True))
    assert [name for name in left if "Flood" in name] == ["Flood 3", "Flood 4", "Flood 5"]
    assert len(left) == 11, "of nobody else, and nothing without a flag"
    assert retention.make_room() == 0


def test_R7_it_goes_within_the_hour_although_the_day_was_pruned_already(letter: Letter) -> None:
    assert tasks.run_duties.func() == {}
    make_mail(make_submission(letter, "Old", signed_up_at=timezone.now() - 7 * DAY), "somebody@example.org")

    hourly = [duty.name for duty in tasks.DUTIES if duty.every <= tasks.HOUR]
    assert tasks.run_duties.func(hourly) == {}

    assert not Submission.objects.exists() and not OutboxMail.objects.exists()


def test_R7_the_dry_run_tells_the_same_and_deletes_nothing(letter: Letter) -> None:
    make_submission(letter, "Old", signed_up_at=timezone.now() - 8 * DAY)
    said = StringIO()
    call_command("prune", "--dry-run", stdout=said)
    assert "1  submissions" in said.getvalue()
    assert Submission.objects.count() == 1
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("acknowledged", "is_kept"),
    [(None, True), (10, True), (364, True), (367, False)],
)
def test_R7_kept_addresses_go_twelve_months_after_the_acknowledgement(
    letter: Letter, acknowledged: int | None, is_kept: bool
) -> None:
    if acknowledged is not None:
        day = timezone.now() - acknowledged * DAY
        Letter.objects.update(acknowledged_on=day.date(), acknowledged_at=day)
    other = make_letter("other")
    for each in (letter, other):
        make_signature(each, "Ada", sealed_address=b"sealed")

    retention.prune()

    assert Signature.objects.filter(letter=letter, sealed_address__isnull=False).exists() == is_kept
    assert Signature.objects.get(letter=other).sealed_address is not None
    assert Signature.objects.count() == 2, "the signature stays"


@pytest.mark.parametrize(("days", "is_kept"), [(59, True), (61, False)])
def test_R13_an_address_for_questions_goes_after_60_days_of_waiting(letter: Letter, days: int, is_kept: bool) -> None:
    row = make_signature(letter, "Cleo", State.WAITING, question_address=b"sealed")
    Signature.objects.update(confirmed_at=timezone.now() - days * DAY)
    assert retention.prune(dry_run=True)["addresses kept for questions"] == (not is_kept)
    retention.prune()
    row.refresh_from_db()
    assert ((row.question_address is not None), row.state) == (is_kept, State.WAITING)


def test_R4_after_pruning_no_bucket_is_left_whose_time_is_over() -> None:
    rate_limits.count_event({"network": "203.0.113.0/24", "site": ""})
    RateBucket.objects.update(until=timezone.now())
    assert retention.prune()["buckets of rate limits"] > 0
    assert not RateBucket.objects.exists()


def test_a_mailbox_may_be_written_to_again_after_its_time() -> None:
    Suppression.objects.create(address_hash=b"x", until=timezone.now())
    Suppression.objects.create(address_hash=b"y", until=timezone.now() + DAY)
    retention.prune()
    assert Suppression.objects.count() == 1


def test_sessions_of_staff_that_are_over_go() -> None:
    for key, left in (("over", timedelta(seconds=-1)), ("runs", timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + left)
    assert retention.prune()["expired sessions of staff"] == 1
    assert [session.pk for session in Session.objects.all()] == ["runs"]


def test_R8_an_erased_signature_does_not_come_back_out_of_a_backup(letter: Letter, ada: Signature) -> None:
    backup = Signature.objects.values().get()
    tombstones.sync()
    withdrawal.erase(ada)
    tombstones.sync()

    # The older backup is restored: it has the row, and does not have the tombstone.
    Tombstone.objects.all().delete()
    Signature.objects.create(**backup)
    Signature.objects.update(signed_up_at=backup["signed_up_at"])
    assert retention.prune()["erased signatures from a backup"] == 1

    assert not Signature.objects.exists()
    assert Tombstone.objects.count() == 1


def test_R8_a_later_sign_up_is_untouched_by_the_tombstone(
    client: Client, letter: Letter, form: dict[str, str], ada: Signature
) -> None:
    key = sealing.address_hash("dora@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    Signature.objects.update(address_hash=key)
    ada.refresh_from_db()
    withdrawal.erase(ada)
    client.post("/letters/bridge/sign/", form)

    retention.prune()

    assert Submission.objects.get().name == "Dora Maar"


def test_R8_the_tombstones_file_names_nobody_and_is_for_our_eyes(letter: Letter, ada: Signature) -> None:
    withdrawal.erase(ada)
    assert tombstones.sync() == 1
    file = settings.VAR_DIR / "tombstones.csv"
    assert "Ada" not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert tombstones.sync() == 1, "again, and nothing doubles"
    assert len(file.read_text().splitlines()) == 1


def test_R8_whoever_has_the_tombstones_and_the_public_list_learns_not_who_is_erased_or_when(
    letter: Letter, ada: Signature
) -> None:
    withdrawal.erase(ada)
    stone = Tombstone.objects.get()
    tombstones.sync()
    (line,) = tombstones.file_beside_database().read_text().splitlines()
    assert str(ada.public_id) not in line and stone.public_id not in {None, ada.public_id}
    end = (stone.at + DAY).astimezone(UTC).date()
    assert line.split(",")[3] == f"{end}T00:00:00+00:00"
    for _again in range(2):  # a table that is made of the file makes the same file
        Tombstone.objects.all().delete()
        tombstones.sync()
        assert tombstones.file_beside_database().read_text().splitlines() == [line]


@pytest.mark.parametrize("known_by", ["file", "table", "both", "backup"])
def test_R8_tombstones_of_a_former_version_with_plain_ids_still_count_and_are_hidden(
    letter: Letter, ada: Signature, known_by: str
) -> None:
    backup = Signature.objects.values().get()
    withdrawal.erase(ada)
    tombstones.sync()
    hidden = tombstones.file_beside_database().read_text()
    plain = hidden.replace(str(tombstones.hidden(ada.public_id)), str(ada.public_id))
    assert plain != hidden
    tombstones.file_beside_database().write_text(plain if known_by == "file" else hidden if known_by == "both" else "")
    if known_by in {"table", "both"}:
        Tombstone.objects.update(public_id=ada.public_id)
    else:
        Tombstone.objects.all().delete()
    Signature.objects.create(**backup)
    Signature.objects.update(signed_up_at=backup["signed_up_at"])
    if known_by == "table":
        assert retention.prune(dry_run=True)[retention.SIGNATURES_AGAIN] == 1
    assert retention.erase_again(plain.splitlines(keepends=True) if known_by == "backup" else []) == 1
    assert not Signature.objects.exists()
    assert tombstones.sync() == 1
    assert str(ada.public_id) not in tombstones.file_beside_database().read_text()
    assert Tombstone.objects.get().public_id == tombstones.hidden(ada.public_id)


def test_the_worker_prunes_once_a_day() -> None:
    assert audit_log.is_due_again(AuditAction.PRUNE)
    assert tasks.run_duties.func() == {}
    assert AuditEntry.objects.filter(action="prune").count() == 1
    assert tasks.run_duties.func() == {}
    assert AuditEntry.objects.filter(action="prune").count() == 1


# The updates key


def test_R2_E4_the_updates_key_opens_the_addresses_of_those_who_confirmed(
    client: Client, form: dict[str, str], words: dict[str, str], capsys: Any
) -> None:
    for who in ("dora", "eve"):
        client.post("/letters/bridge/sign/", {**form, "email": f"{who}@example.org", "updates": "on"})
    dora = Submission.objects.order_by("pk").first()
    assert dora is not None
    client.post(f"/signature/{tokens.personal_token(dora.public_id)}/", {**words, "action": "confirm"})

    call_command("export_subscribers", "--reason=a test", "--key", str(settings.KEYS_DIR / "updates.private"))

    written = capsys.readouterr().out
    assert written.split() == ["letter,language,address", "bridge,en,dora@example.org"]
    entry = AuditEntry.objects.get(action="export-subscribers")
    digest = hashlib.sha256(written.encode()).hexdigest()
    assert (entry.reason, entry.detail) == ("a test", {"form": "csv", "rows": 1, "sha256": digest})


def test_E1_an_address_that_a_spreadsheet_would_run_is_exported_with_a_guard(letter: Letter, capsys: Any) -> None:
    address = "=cmd|' /C calc'!a0@example.org"
    make_signature(letter, "Ada", sealed_address=sealing.seal(address, public_key=settings.UPDATES_PUBLIC_KEY))
    call_command("export_subscribers", "--reason=a test", "--key", str(settings.KEYS_DIR / "updates.private"))
    _header, row = csv.reader(StringIO(capsys.readouterr().out))
    assert row == ["bridge", "en", f"'{address}"]


@pytest.mark.parametrize("key", ["nowhere", "wrong", "other"])
def test_a_key_that_does_not_fit_is_one_sentence(letter: Letter, tmp_path: Path, key: str) -> None:
    make_signature(letter, "Ada", sealed_address=sealing.seal("a@example.org", public_key=settings.UPDATES_PUBLIC_KEY))
    (tmp_path / "wrong").write_text("no key")
    (tmp_path / "other").write_text((settings.KEYS_DIR / "outbox.private").read_text())
    with pytest.raises(CommandError, match=r"^The key|^This is not the key"):
        call_command("export_subscribers", "--reason=a test", "--key", str(tmp_path / key))


def test_R4_the_network_of_a_signature_is_forgotten_within_72_hours(letter: Letter) -> None:
    now = timezone.now()
    for name, hours in (("Old", 71), ("New", 70)):
        for make in (make_signature, make_submission):
            make(letter, name, signed_up_at=now - timedelta(hours=hours), network="00ff00ff00ff00ff")
    assert tasks.run_duties.call(["delete-network-digests"]) == {}
    for rows in (Signature.objects, Submission.objects):
        assert dict(rows.values_list("name", "network")) == {"Old": "", "New": "00ff00ff00ff00ff"}
