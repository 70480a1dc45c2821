"""What signers took back after a backup is taken back again when it is restored, and nothing becomes wider."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from campaign.models import Letter
from signatures import narrowings, retention
from signatures.models import AuditEntry, Signature, Suppression
from signatures.outbox import suppressions
from signatures.registries.typed_fields import TYPED_NAMES
from signatures.signing import changes, withdrawal
from signatures.signing.signer_input import SignerInput
from signatures.states import State, Visibility
from signatures.values import csv_cells
from tests.factories import make_signature

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def var_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "VAR_DIR", tmp_path)
    return tmp_path


@pytest.fixture
def zelda(letter: Letter) -> Signature:
    return make_signature(letter, "Zelda", sealed_address=b"sealed", address_hash=b"z" * 32)


def now_as(row: Signature) -> Signature:
    return Signature.objects.get(pk=row.pk)


def choose(row: Signature, visibility: Visibility) -> None:
    row = now_as(row)
    values = {name: getattr(row, name) for name in TYPED_NAMES} | {"visibility": visibility}
    if visibility == Visibility.COUNTED:
        values |= dict.fromkeys(("name", "spokesperson", "role", "organization", "comment"), "")
    changes.change(row, SignerInput(row.translation, "en", values))


def restored(*rows: dict[str, Any]) -> None:
    """The worker has written its file; then the rows of a former moment come back, and nothing is known since."""
    narrowings.sync()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for row in rows:
            Signature.objects.filter(pk=row["id"]).update(**row)
        Suppression.objects.all().delete()
        cursor.execute("DELETE FROM signatures_auditentry")
        cursor.execute("SET LOCAL session_replication_role = origin")


def row_of(signature: Signature) -> Any:
    return Signature.objects.filter(pk=signature.pk).values().get()


@pytest.mark.parametrize("again", [narrowings.take_back_again, lambda: retention.prune()[retention.TAKEN_BACK_AGAIN]])
def test_R8_who_withdrew_after_the_backup_is_withdrawn_again(zelda: Signature, again: Callable[[], int]) -> None:
    before = row_of(zelda)
    withdrawal.withdraw(zelda)
    restored(before)
    assert now_as(zelda).name == "Zelda"

    assert again() == 1

    assert (now_as(zelda).state, now_as(zelda).name) == (State.WITHDRAWN, "")
    assert AuditEntry.objects.filter(action="withdraw", signature_id=zelda.pk).count() == 1
    assert again() == 0
    narrowings.sync()
    assert again() == 0


@pytest.mark.parametrize(("chosen", "name"), [(Visibility.DELIVERY, "Zelda"), (Visibility.COUNTED, "")])
def test_R8_whose_name_was_public_in_the_backup_only_is_not_public_again(
    zelda: Signature, chosen: Visibility, name: str
) -> None:
    before = row_of(zelda)
    choose(zelda, chosen)
    restored(before)
    assert narrowings.take_back_again() == 1
    row = now_as(zelda)
    assert (row.state, row.visibility, row.name, row.sealed_address is None) == (State.APPROVED, chosen, name, False)


def test_R8_nothing_becomes_wider_and_the_last_choice_counts(letter: Letter, zelda: Signature) -> None:
    other = make_signature(letter, "Other", visibility=Visibility.DELIVERY)
    rows = row_of(zelda), row_of(other)
    choose(zelda, Visibility.COUNTED)
    choose(other, Visibility.PUBLIC)
    restored(*rows)
    narrowings.take_back_again()
    assert now_as(other).visibility == Visibility.DELIVERY

    # After the restore somebody chooses anew. The line from before is older, and is not done again.
    choose(zelda, Visibility.DELIVERY)
    Signature.objects.filter(pk=zelda.pk).update(visibility=Visibility.PUBLIC)
    assert narrowings.take_back_again() == 0
    assert now_as(zelda).visibility == Visibility.PUBLIC


def test_R8_who_wants_no_more_emails_gets_none_after_a_restore(zelda: Signature) -> None:
    before = row_of(zelda)
    withdrawal.unsubscribe(zelda)
    restored(before)
    assert narrowings.take_back_again() == 1
    assert now_as(zelda).sealed_address is None and now_as(zelda).state == State.APPROVED


def test_R8_this_was_not_me_still_keeps_emails_away_after_a_restore(zelda: Signature) -> None:
    withdrawal.not_me(zelda)
    told = Suppression.objects.values().get()
    restored()
    narrowings.take_back_again()
    again = Suppression.objects.values().get()
    assert (bytes(again["address_hash"]), again["reasons"], again["since"], again["until"]) == (
        b"z" * 32, ["not-me"], told["since"], told["until"],
    )  # fmt: skip


def test_the_file_names_nobody_and_keeps_what_the_database_has_lost(zelda: Signature, var_dir: Path) -> None:
    before = row_of(zelda)
    withdrawal.withdraw(zelda)
    restored(before)
    copy = var_dir / "copy.csv"
    assert narrowings.sync(copy) == 1, "a worker that starts before the restore loses nothing"
    file = narrowings.file_beside_database()
    assert file.read_text() == copy.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    with transaction.atomic():
        assert narrowings.take_back_again() == 1


def test_R8_whoever_has_the_file_and_the_public_list_learns_nothing(letter: Letter, zelda: Signature) -> None:
    """Neither who left the list nor when, nor how: each line has a keyed hash and as many sealed bytes as any other."""
    other, third = make_signature(letter, "Other"), make_signature(letter, "Third")
    withdrawal.withdraw(third)
    choose(other, Visibility.DELIVERY)
    withdrawal.unsubscribe(zelda)
    suppressions.suppress(b"z" * 32, Suppression.Reason.NOT_ME)
    narrowings.sync()
    text = narrowings.file_beside_database().read_text()
    lines = [line.split(",") for line in text.splitlines()]
    assert len(lines) == 4 and {len(cells) for cells in lines} == {3} and len({len(cells[2]) for cells in lines}) == 1
    plain = [text, *(bytes.fromhex(cells[2]).decode("latin-1") for cells in lines)]
    for told in (*(str(row.public_id) for row in (zelda, other, third)), "+00:00", "withdrawn", "delivery", "not-me"):
        assert not [each for each in plain if told in each], told
    assert lines == sorted(lines), "their order is not that of time"
    narrowings.sync()
    assert narrowings.file_beside_database().read_text() == text, "what has not changed is not sealed again"


def test_R8_a_file_of_a_former_version_is_read_and_written_anew(zelda: Signature) -> None:
    before = row_of(zelda)
    withdrawal.withdraw(zelda)
    at = AuditEntry.objects.get(action="withdraw").at.isoformat()
    restored(before)
    former = f"signature,{zelda.public_id},{at},withdrawn no-updates\naddress,{'7a' * 32},{at},not-me\n"
    narrowings.file_beside_database().write_text(former)
    assert narrowings.sync() == 2
    assert str(zelda.public_id) not in narrowings.file_beside_database().read_text()
    for lines in ([], former.splitlines(keepends=True)):
        with transaction.atomic():
            assert narrowings.take_back_again(lines) == 1
            assert now_as(zelda).state == State.WITHDRAWN and Suppression.objects.exists()
            transaction.set_rollback(True)


def test_R8_a_line_of_another_pepper_or_signature_is_named(letter: Letter, zelda: Signature, settings: Any) -> None:
    other = make_signature(letter, "Other")
    before = [row_of(row) for row in (zelda, other)]
    for row in (zelda, other):
        withdrawal.withdraw(row)
    restored(*before)
    file = narrowings.file_beside_database()
    whole = file.read_text()
    first, second = (line.split(",") for line in whole.splitlines())
    for damaged in (
        ",".join([*first[:2], second[2]]), ",".join([*first[:2], first[2][:-8]]), f"{first[0]},{first[1]},{first[2][8:]}",
    ):  # fmt: skip
        file.write_text(f"{damaged}\n")
        with pytest.raises(csv_cells.UnreadableLine, match=r"^Line 1 of "):
            narrowings.take_back_again()
    file.write_text(whole)
    settings.EMAIL_HASH_PEPPER = "another one"
    with pytest.raises(csv_cells.UnreadableLine, match=r"^Line 1 of "):
        narrowings.take_back_again()


def test_R8_a_change_in_the_same_second_as_the_backup_is_taken_back_too(zelda: Signature) -> None:
    choose(zelda, Visibility.DELIVERY)
    first = AuditEntry.objects.latest("pk").at
    before = row_of(zelda)
    withdrawal.withdraw(zelda)
    narrowings.sync()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        Signature.objects.filter(pk=zelda.pk).update(**before)
        cursor.execute("DELETE FROM signatures_auditentry WHERE at > %s", [first])
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert narrowings.take_back_again() == 1
    assert now_as(zelda).state == State.WITHDRAWN


@pytest.mark.parametrize(
    "line", ["signature,no-id,2026-01-01T00:00:00+00:00,withdrawn", "address,zz,soon,x", "other", ",", "address,7a,zz"]
)
def test_a_damaged_line_is_named_and_nothing_is_done(zelda: Signature, line: str) -> None:
    narrowings.file_beside_database().write_text(f"{line}\n")
    with pytest.raises(csv_cells.UnreadableLine, match=r"^Line 1 of .*narrowings\.csv.* is no narrowing: "):
        narrowings.take_back_again()
