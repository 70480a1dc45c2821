"""The trail is sealed each minute, and whoever changes it afterwards is found out."""

import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from signatures import tasks
from signatures.audit import audit_log, checkpoints
from signatures.models import AuditEntry, Checkpoint
from signatures.monitoring import alarms
from signatures.registries import AuditAction
from tests.conftest import NEVER_TRUNCATED

pytestmark = pytest.mark.django_db
OLD_NUMBER = (
    "INSERT INTO signatures_auditentry (id, at, action, was, now, reason, detail) OVERRIDING SYSTEM VALUE"
    " VALUES (%s, now(), 'approve', '', '', '', '{}')"
)


def say(*words: str) -> str:
    out = io.StringIO()
    call_command("verify_audit_log", *words, stdout=out)
    return out.getvalue()


def broken(*words: str) -> str:
    with pytest.raises(CommandError) as refused:
        say(*words)
    return str(refused.value)


def tamper(statement: str, *values: object) -> None:
    """As a superuser could: with the triggers switched off."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, values)
        assert cursor.rowcount > 0
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.fixture
def entries() -> list[int]:
    """Twelve entries under three seals, and two more without. One number is missing: somebody rolled back."""
    for number in range(14):
        if number == 6:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval(pg_get_serial_sequence('signatures_auditentry', 'id'))")
        audit_log.record(AuditAction.ALARM, signature_id=number, detail={"b": number, "a": "é"})
        if number in {4, 8, 11}:
            checkpoints.create_checkpoint()
    return list(AuditEntry.objects.order_by("pk").values_list("pk", flat=True))


def test_the_worker_seals_and_the_command_says_how_much(entries: list[int]) -> None:
    assert "12 entries in 3 seals stand as they were written." in say()
    assert "2 are not yet sealed, the oldest since 2" in say()

    assert tasks.create_checkpoint.call() == 2

    assert "14 entries in 4 seals" in say() and "0 are not yet sealed." in say()
    assert tasks.create_checkpoint.call() == 0, "nothing new makes no seal"
    newest = Checkpoint.objects.order_by("pk").last()
    assert newest is not None and say("--newest").strip() == newest.digest and newest.digest in say()


def test_a_trail_that_is_no_longer_sealed_raises_an_alarm(entries: list[int]) -> None:
    assert alarms.check() == []
    tamper("UPDATE signatures_auditentry SET at = at - interval '31 minutes'")
    assert alarms.check() == ["audit-log-unchecked"]
    checkpoints.create_checkpoint()
    assert checkpoints.unchecked_since() is None


def test_an_empty_trail_is_whole(db: None) -> None:
    assert checkpoints.create_checkpoint() == 0
    assert "0 entries in 0 seals" in say()
    assert "Nothing is sealed yet" in broken("--newest")


def test_a_seal_holds_so_many_entries_and_no_more(db: None) -> None:
    for _each in range(7):
        audit_log.record(AuditAction.ALARM)
    assert checkpoints.create_checkpoint(most=3) == 7
    assert list(Checkpoint.objects.order_by("pk").values_list("entries", flat=True)) == [3, 3, 1]
    assert "7 entries in 3 seals" in say()


def test_the_canonical_form_of_an_entry_stays_as_it_is() -> None:
    """Whatever this hash depends on, an entry of long ago must give it for ever."""
    at = datetime(2026, 11, 25, 1, 2, 3, 40, UTC)
    row = (7, at, "reject", 3, 1, 9, "waiting", "rejected", "Not a name – né", {"b": 2, "a": "x"})
    canonical = (
        b'{"action":"reject","at":"2026-11-25T01:02:03.000040+00:00","detail":{"a":"x","b":2},"id":7,"letter_id":1,'
        b'"now":"rejected","reason":"Not a name \\u2013 n\\u00e9","signature_id":9,"staff_id":3,"was":"waiting"}'
    )
    assert checkpoints._hash(row) == checkpoints.hashlib.sha256(canonical).digest()


@pytest.mark.parametrize(
    ("column", "value"),
    [("reason", "x"), ("staff_id", 5), ("action", "approve"), ("at", "2020-01-01"), ("detail", '{"a": "é", "b": 99}')],
)
def test_A8_a_changed_entry_is_named(entries: list[int], column: str, value: object) -> None:
    tamper(f"UPDATE signatures_auditentry SET {column} = %s WHERE id = %s", value, entries[6])
    second = Checkpoint.objects.order_by("pk")[1]
    assert broken() == f"In seal {second.pk}, entry {entries[6]} was changed."


@pytest.mark.parametrize("place", [0, 4, 5, 11])
def test_A8_a_removed_entry_is_named(entries: list[int], place: int) -> None:
    tamper("DELETE FROM signatures_auditentry WHERE id = %s", entries[place])
    assert broken().endswith(f", entry {entries[place]} is missing.")


@pytest.mark.parametrize("place", [0, 6])
def test_A8_an_entry_slipped_in_with_an_old_number_is_named(entries: list[int], place: int) -> None:
    number = entries[place] - 1
    assert number not in entries
    tamper(OLD_NUMBER, number)
    assert broken().endswith(f"entry {number} was slipped in.")


@pytest.mark.parametrize(
    ("change", "which", "words"),
    [
        ("digest = repeat('ab', 32)", 1, "Seal {1} itself was changed"),
        ("previous = repeat('ab', 32)", 1, "Seal {1} does not follow seal {0}"),
        ("at = at - interval '1 hour'", 2, "Seal {2} itself was changed"),
        ("entries = entries + 1", 0, "Seal {0} itself was changed."),
        ("last_entry = last_entry + 1", 2, "Seal {2} itself was changed."),
        ("marks = ''", 0, "Seal {0} itself was changed."),
        ("marks = set_byte(marks, 12, 255 - get_byte(marks, 12))", 1, "In seal {1}, entry {5} was changed."),
    ],
)
def test_A8_a_changed_seal_is_named(entries: list[int], change: str, which: int, words: str) -> None:
    numbers = list(Checkpoint.objects.order_by("pk").values_list("pk", flat=True))
    names = {"{0}": numbers[0], "{1}": numbers[1], "{2}": numbers[2], "{5}": entries[5]}
    for name, number in names.items():
        words = words.replace(name, str(number))
    tamper(f"UPDATE signatures_checkpoint SET {change} WHERE id = %s", numbers[which])
    assert broken().startswith(words)


def test_A8_a_seal_removed_from_the_middle_is_named(entries: list[int]) -> None:
    first, second, third = Checkpoint.objects.order_by("pk").values_list("pk", flat=True)
    tamper("DELETE FROM signatures_checkpoint WHERE id = %s", second)
    assert broken() == f"Seal {third} does not follow seal {first}: a seal was changed, removed or slipped in there."
    tamper("DELETE FROM signatures_checkpoint WHERE id = %s", first)
    assert broken().startswith(f"Seal {third} does not follow the beginning")


def test_A8_a_last_seal_that_was_dropped_or_made_anew_is_found_by_its_noted_hash(entries: list[int]) -> None:
    noted = say("--newest").strip()
    checkpoints.create_checkpoint()
    assert "14 entries" in say("--expect", noted), "a noted hash stays in the chain"

    tamper(
        "DELETE FROM signatures_checkpoint WHERE id >= (SELECT id FROM signatures_checkpoint WHERE digest = %s)", noted
    )
    assert "5 are not yet sealed" in say(), "without a note it looks like a worker that stood still"
    assert (
        broken("--expect", noted) == "The noted hash is in no seal: seals were removed, or all of them were made anew."
    )
    checkpoints.create_checkpoint()
    assert "14 entries" in say() and broken("--expect", noted)
    assert broken("--expect", "12345") == "A seal's hash is 64 hexadecimal digits."


def test_A8_seals_are_append_only(entries: list[int]) -> None:
    def refuses(statement: str) -> None:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    refuses("UPDATE signatures_checkpoint SET entries = 1")
    refuses("DELETE FROM signatures_checkpoint")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE signatures_checkpoint ENABLE TRIGGER {NEVER_TRUNCATED['signatures_checkpoint']}")
    refuses("TRUNCATE signatures_checkpoint")
    assert "12 entries in 3 seals" in say()


def test_A8_nobody_chooses_the_number_of_an_entry(entries: list[int]) -> None:
    statement = OLD_NUMBER.replace("OVERRIDING SYSTEM VALUE", "")
    with pytest.raises(Exception, match="non-DEFAULT value"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [10**12])


def elsewhere(work: Callable[[], object]) -> threading.Thread:
    """Do this on a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_is_committed_after_a_later_one_is_sealed_with_it(monkeypatch: Any) -> None:
    monkeypatch.setattr(checkpoints, "WAIT_SECONDS", 0.2)
    has_number, may_commit = threading.Event(), threading.Event()

    @transaction.atomic
    def slow() -> None:
        audit_log.record(AuditAction.PRUNE)
        has_number.set()
        may_commit.wait(10)

    writer = elsewhere(slow)
    has_number.wait(10)
    audit_log.record(AuditAction.RECOUNT)

    assert checkpoints.create_checkpoint() == 0, "the slow one has a lower number and may still come"
    audit_log.record(AuditAction.RECONCILE)  # nobody waits for who seals

    monkeypatch.setattr(checkpoints, "WAIT_SECONDS", 10.0)
    sealer = elsewhere(checkpoints.create_checkpoint)
    may_commit.set()
    writer.join()
    sealer.join()

    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == ["slow", "fast", "another"]
    assert "3 entries in 1 seals" in say() and "0 are not yet sealed" in say()


@pytest.mark.django_db(transaction=True)
def test_many_who_seal_while_others_write_make_one_chain() -> None:
    gate = threading.Barrier(6)

    def write() -> None:
        gate.wait()
        for number in range(60):
            audit_log.record(AuditAction.ALARM, signature_id=number)

    def close() -> None:
        gate.wait()
        for _each in range(8):
            checkpoints.create_checkpoint(most=25)

    threads = [elsewhere(work) for work in (write, write, write, close, close, close)]
    for thread in threads:
        thread.join()
    checkpoints.create_checkpoint()
    assert "180 entries in " in say() and "0 are not yet sealed" in say()
