"""Whoever erases everything is in no delivery, whatever happens in the same moment or comes back later."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock
from signatures import retention, tasks
from signatures.delivery import building, freezing, reconciliation
from signatures.delivery.errata import entries_that_left
from signatures.models import Alarm, AuditEntry, Delivery, DeliveryEntry, Signature, Tombstone
from signatures.signing import withdrawal
from tests.delivery.factories import day_of, make_files, path_of
from tests.factories import make_signature

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def deliveries(tmp_path: Path, settings: Any) -> Path:
    settings.DELIVERIES_DIR = tmp_path
    return tmp_path


@pytest.fixture
def zelda(letter: Letter) -> Signature:
    make_signature(letter, "Ada Lovelace")
    return make_signature(letter, "Zelda")


def freeze(letter: Letter) -> Delivery:
    return freezing.freeze(letter, by=None, reason="the hearing of May")


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Acts in another thread. Yields whether that waits for a lock, or has ended; waits for its end."""

    def work() -> None:
        act()
        connection.close()

    def has_come_to_a_lock() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE NOT granted AND datname = current_database()"
            )
            return bool(cursor.fetchone()[0]) or not thread.is_alive()

    thread = threading.Thread(target=work)
    thread.start()
    yield has_come_to_a_lock
    thread.join(30)
    assert not thread.is_alive()


@contextmanager
def locked_elsewhere(table: str) -> Iterator[Callable[[], None]]:
    """Locks a table by another connection. Yields what releases it."""
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield other.rollback


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def left_in(delivery: Delivery, signature_id: int) -> tuple[Any, ...]:
    entry = delivery.rows.get(signature_id=signature_id)
    return entry.name, entry.salt, entry.signed_on, delivery.erasures.filter(place=entry.place).count()


def test_R8_who_erases_everything_after_the_list_was_read_is_not_in_it(letter: Letter, zelda: Signature) -> None:
    number = zelda.pk
    errata = "signatures_erratum"  # read after the signatures are
    with locked_elsewhere(errata) as release, meanwhile(lambda: freeze(letter)) as has_come_to_it:
        wait_for(has_come_to_it)
        withdrawal.erase(zelda)
        release()
    delivery = Delivery.objects.get()
    assert delivery.counts["named"] == 2, "it was read before"
    assert left_in(delivery, number) == ("", None, None, 1)
    assert entries_that_left(delivery).count() == 1
    assert AuditEntry.objects.filter(signature_id=number).values_list("action", flat=True).get() == "erase"


def test_R8_a_list_is_frozen_after_whoever_erases_everything_just_then(letter: Letter, zelda: Signature) -> None:
    number = zelda.pk
    with ExitStack() as until_frozen, transaction.atomic():
        withdrawal.erase(zelda)
        wait_for(until_frozen.enter_context(meanwhile(lambda: freeze(letter))))
    assert left_in(Delivery.objects.get(), number) == ("", None, None, 1)


def test_the_database_refuses_to_delete_a_signature_before_its_words_in_deliveries(
    letter: Letter, zelda: Signature
) -> None:
    freeze(letter)
    with pytest.raises(IntegrityError, match="a delivery has the words of this signature"), transaction.atomic():
        Signature.objects.filter(pk=zelda.pk).delete()
    make_signature(letter, "Not delivered").delete()
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'signatures_words_go_first'")
        assert f"({AdvisoryLock.DELETE_SIGNATURES:d}, 0)" in cursor.fetchone()[0], "the lock that freezing takes"


def bring_back(row: Any, entries: Any) -> None:
    """What another tool than `restore` does: the rows of a former moment, with no rule of this database about them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        Signature.objects.create(**row)
        for entry in entries:
            DeliveryEntry.objects.filter(pk=entry["id"]).update(**entry)
        for table in ("signatures_erratum", "signatures_deliveryerasure"):
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("DELETE FROM signatures_auditentry WHERE action = 'erase'")


def delete_alone(number: int) -> None:
    """Deletes a signature, and leaves its words in deliveries, which the database refuses to everybody else."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM signatures_signature WHERE id = %s", [number])


@pytest.mark.parametrize("is_row_there", [True, False])
@pytest.mark.parametrize("again", [lambda: retention.erase_again([]), retention.prune])
def test_R8_words_that_a_backup_brings_back_into_a_delivery_go_again_with_their_erratum(
    letter: Letter, zelda: Signature, again: Callable[[], object], *, is_row_there: bool
) -> None:
    delivery, number = freeze(letter), zelda.pk
    Delivery.objects.update(root="ab" * 32, state="ready")
    freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy")
    row, entries = Signature.objects.filter(pk=number).values().get(), list(delivery.rows.values())
    withdrawal.erase(zelda)
    Delivery.objects.update(remake_wanted=False)
    bring_back(row, entries)
    if not is_row_there:  # an earlier version deleted it again, and the words stayed
        delete_alone(number)
    assert left_in(delivery, number)[0] == "Zelda"

    again()

    assert not Signature.objects.filter(pk=number).exists() and Tombstone.objects.count() == 1
    assert left_in(delivery, number) == ("", None, None, 1)
    assert delivery.erasures.get().erratum == delivery.errata.get().number == 1
    assert AuditEntry.objects.get(signature_id=number).action == "erase-again"
    assert Delivery.objects.get().remake_wanted
    again()
    assert delivery.errata.count() == AuditEntry.objects.filter(action="erase-again").count() == 1


def test_R8_no_file_is_made_of_words_that_came_back(letter: Letter, zelda: Signature) -> None:
    delivery, number = freeze(letter), zelda.pk
    delete_alone(number)
    building.build(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.editions.get().erased) == ("ready", 1)
    assert left_in(delivery, number) == ("", None, None, 1)


def test_prune_says_before_how_many_words_it_would_blank(letter: Letter, zelda: Signature) -> None:
    delivery, number = freeze(letter), zelda.pk
    assert retention.prune(dry_run=True)[retention.WORDS_AGAIN] == 0
    delete_alone(number)
    found = retention.prune(dry_run=True)
    assert (found[retention.SIGNATURES_AGAIN], found[retention.WORDS_AGAIN]) == (0, 1)
    assert left_in(delivery, number)[0] == "Zelda", "it only says so"
    assert retention.prune()[retention.WORDS_AGAIN] == 1 and left_in(delivery, number)[0] == ""


def differences() -> list[str]:
    return [str(check) for check in reconciliation.check_delivered() if not check.holds]


@pytest.mark.parametrize("is_void", [False, True])
def test_reconcile_finds_words_of_who_is_erased_in_void_deliveries_too(
    letter: Letter, zelda: Signature, *, is_void: bool
) -> None:
    delivery, number = freeze(letter), zelda.pk
    if is_void:
        freezing.void(delivery, by=None, reason="too early")
    assert differences() == []
    delete_alone(number)
    assert differences() == ["bridge-1, words of who is erased: 1 instead of 0"]
    assert "Zelda" not in str(differences())


def test_R8_the_package_of_a_void_delivery_is_deleted_because_nobody_makes_it_anew(
    letter: Letter, zelda: Signature, deliveries: Path
) -> None:
    delivery = freeze(letter)
    make_files(delivery, deliveries)

    freezing.void(delivery, by=None, reason="too early")  # in the web process, which may only read packages

    assert differences() == ["bridge-1, void: the package is deleted: no instead of yes"]
    tasks.run_duties.call(["empty-void-deliveries"])
    assert not path_of(delivery).exists() and differences() == []
    assert retention.delete_void_packages() == 0


def test_what_an_upgrade_left_raises_no_alarm_because_the_nightly_check_comes_after_it(
    letter: Letter, zelda: Signature, deliveries: Path
) -> None:
    delivery, number = freeze(letter), zelda.pk
    make_files(delivery, deliveries)
    freezing.void(delivery, by=None, reason="too early")
    delete_alone(number)
    names = [duty.name for duty in tasks.DUTIES if duty.name in {"prune", "reconcile"}]
    tasks.run_duties.call(names)
    assert names == ["prune", "reconcile"] and not Alarm.objects.exists()


def test_R8_a_delivery_that_is_voided_in_the_last_moment_of_its_build_has_no_package(
    letter: Letter, zelda: Signature
) -> None:
    delivery = freeze(letter)
    editions = "signatures_deliveryedition"  # read when the files are made, after the last look at the delivery
    with locked_elsewhere(editions) as release, meanwhile(lambda: building.build(delivery.pk)) as has_come_to_it:
        wait_for(has_come_to_it)
        freezing.void(delivery, by=None, reason="too early")
        release()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.editions.count()) == ("void", 1)
    assert not path_of(delivery).exists() and differences() == []
