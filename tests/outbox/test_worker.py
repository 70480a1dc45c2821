"""The worker: it refuses keys that do not fit, sends over several connections, and ends soon when it is asked to."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from nacl.encoding import HexEncoder
from nacl.public import PrivateKey

from campaign.models import Letter
from campaign.runtime import environment
from signatures.models import OutboxMail
from signatures.outbox import claims, holding, keys, queue, sending
from signatures.values import sealing
from tests.factories import make_mail, make_submission
from tests.inbox import Inbox
from tests.live_site import LiveSite, free_port
from tests.prepared import BASE, MIGRATED
from tests.runtime.test_serve import digest_of, post
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


def enqueue(letter: Letter, number: int, **fields: Any) -> list[OutboxMail]:
    return [make_mail(make_submission(letter, f"N{n}"), f"n{n}@example.org", **fields) for n in range(number)]


@contextmanager
def sending_beside(**options: Any) -> Iterator[list[int]]:
    """Sends what is due in another thread; the block runs meanwhile. Yields what `send_due` returned, once it did."""
    results: list[int] = []

    def work() -> None:
        try:
            results.append(sending.send_due(**options))
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield results
    finally:
        thread.join()


@pytest.fixture
def holding_inbox(inbox: Inbox, settings: Any) -> Inbox:
    """It takes no email to its end until it is released, and nobody who sends one loses patience."""
    inbox.together = 100
    settings.MAILERS["default"]["OPTIONS"]["timeout"] = 60
    return inbox


# Its start


def test_O8_a_worker_waits_until_the_database_is_migrated(django_db_setup: None, tmp_path: Path, settings: Any) -> None:
    """As with containers, where all start at once, and a web server may migrate for an hour."""
    name = f"waits-{os.getpid()}"
    with statements("postgres") as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE {MIGRATED}')
    with statements(name) as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations) RETURNING app, name"
        )
        app, newest = cursor.fetchone()
        site = LiveSite(free_port())
        site.environment["DATABASE_URL"] = f"postgres://undersigned@/{name}?host={settings.POSTGRES_DIR}"
        with site.removed_at_the_end(), site.output.open("wb") as out:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker"], cwd=BASE, env=site.environment, stdout=out, stderr=out
            )
            try:
                site.wait_for_line("the worker waits until the database is migrated")
                cursor.execute("SELECT count(*) FROM django_tasks_database_dbtaskresult")
                assert cursor.fetchone() == (0,)
                cursor.execute(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", [app, newest]
                )

                def has_done_its_duties() -> bool:
                    cursor.execute(
                        "SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE finished_at IS NOT NULL"
                    )
                    return bool(cursor.fetchone()[0])

                wait_until(has_done_its_duties, 60)
            finally:
                worker.terminate()
            assert worker.wait(60) == 0
    with statements("postgres") as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def statements(database: str) -> Iterator[Any]:
    """A cursor of the server of the tests, which commits each statement."""
    session = psycopg2.connect(host=str(django_settings.POSTGRES_DIR), user="undersigned", dbname=database)
    session.autocommit = True
    with closing(session), session.cursor() as cursor:
        yield cursor


# Keys


def key_pair() -> tuple[str, str]:
    """Returns the public and the private half, in hex."""
    private = PrivateKey.generate()
    return private.public_key.encode(HexEncoder).decode(), private.encode(HexEncoder).decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("ab" * 32, "OUTBOX_PRIVATE_KEY_FILE lacks the private half of a key in OUTBOX_PUBLIC_KEY."),
        ("", "OUTBOX_PRIVATE_KEY_FILE lacks the private half of a key in OUTBOX_PUBLIC_KEY."),
        ("no key", "OUTBOX_PRIVATE_KEY_FILE is wrong: the file must hold 64 hexadecimal digits a line."),
        (None, "OUTBOX_PRIVATE_KEY_FILE cannot be read: No such file or directory."),
    ],
    ids=["another key", "empty", "no key", "no file"],
)
def test_O14_a_worker_whose_key_does_not_fit_says_so_at_its_start_and_tries_nothing(
    letter: Letter, inbox: Inbox, settings: Any, tmp_path: Path, content: str | None, sentence: str
) -> None:
    enqueue(letter, 1)
    file = tmp_path / "outbox.private"
    if content is not None:
        file.write_text(content)
    settings.OUTBOX_PRIVATE_KEY_FILE = str(file)
    with pytest.raises(CommandError) as refusal:
        call_command("worker", once=True)
    assert str(refusal.value) == sentence
    assert OutboxMail.objects.get().failure == ""


@pytest.mark.django_db
def test_a_worker_without_a_key_says_so(settings: Any) -> None:
    settings.OUTBOX_PRIVATE_KEY_FILE = ""
    with pytest.raises(CommandError, match="OUTBOX_PRIVATE_KEY_FILE is missing"):
        call_command("worker", once=True)


@pytest.mark.django_db
def test_the_outbox_key_is_rotated_without_losing_what_waits(
    letter: Letter, inbox: Inbox, settings: Any, tmp_path: Path
) -> None:
    enqueue(letter, 1)
    public, private = key_pair()
    file = tmp_path / "outbox.private"
    file.write_text(f"{private}\n{Path(settings.OUTBOX_PRIVATE_KEY_FILE).read_text()}")
    settings.OUTBOX_PUBLIC_KEYS = [public, settings.OUTBOX_PUBLIC_KEY]
    settings.OUTBOX_PUBLIC_KEY, settings.OUTBOX_PRIVATE_KEY_FILE = public, str(file)
    make_mail(make_submission(letter, "New"), "new@example.org")

    keys.require()
    assert sending.send_due() == 2

    assert sorted(inbox.recipients) == ["n0@example.org", "new@example.org"]


def test_a_public_key_may_have_former_ones_behind_it_and_the_first_one_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    new, former = key_pair()[0], key_pair()[0]
    monkeypatch.setenv("UPDATES_PUBLIC_KEY", f"{new}, {former}")
    assert environment.sealing_keys("UPDATES_PUBLIC_KEY", "addresses are sealed to it", None) == [new, former]
    monkeypatch.setenv("UPDATES_PUBLIC_KEY", f"{new} {former}")
    with pytest.raises(ImproperlyConfigured, match="64 hexadecimal digits, or several with commas"):
        environment.sealing_keys("UPDATES_PUBLIC_KEY", "addresses are sealed to it", None)


def test_addresses_for_updates_open_with_a_former_key(tmp_path: Path) -> None:
    new, former = key_pair(), key_pair()
    (tmp_path / "updates").write_text(f"{new[1]}\n{former[1]}\n")
    private_keys = sealing.read_private_keys(tmp_path / "updates")
    for public, _private in (new, former):
        sealed = sealing.seal("dora@example.org", public_key=public)
        assert sealing.unseal(sealed, private_keys=private_keys) == "dora@example.org"
    assert not sealing.lacks_key(private_keys, [new[0], former[0].upper()])
    assert sealing.lacks_key(private_keys[:1], [new[0], former[0]])


# Several connections


@pytest.mark.django_db
def test_a_slow_service_is_used_over_several_connections(letter: Letter, inbox: Inbox) -> None:
    """At two seconds an email, 40 connections send 1,200 a minute: more than the budget of the site, 1,000."""
    inbox.together = 20
    enqueue(letter, 40)
    assert sending.send_due(most_connections=20) == 40, "fewer connections than the service waits for would time out"
    assert sorted(inbox.recipients) == sorted(f"n{n}@example.org" for n in range(40)), "each once"
    assert not OutboxMail.objects.exclude(claimed_until=None).exists()


@pytest.mark.django_db
def test_S20_two_emails_to_one_mailbox_are_not_sent_at_the_same_time(letter: Letter, inbox: Inbox) -> None:
    inbox.seconds = 0.2
    enqueue(letter, 2, mailbox="0123456789abcdef")
    assert sending.send_due(most_connections=2) == 1
    (waiting,) = OutboxMail.objects.filter(kind="link", sent_at=None)
    assert waiting.due_at > timezone.now()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_an_email_that_is_being_sent(letter: Letter, holding_inbox: Inbox) -> None:
    """Who confirms or withdraws deletes emails about it."""
    (mail,) = enqueue(letter, 1)
    with sending_beside() as results:
        wait_until(lambda: holding_inbox.attempts, 60)
        queue.discard(mail.signature_id or 0)
        assert not results and not holding_inbox, "it is still being sent"
        holding_inbox.release()
    assert holding_inbox.recipients == ["n0@example.org"], "nor was it given up meanwhile"
    assert results == [0] and not OutboxMail.objects.exists(), "and no reminder follows"


@pytest.mark.django_db(transaction=True)
def test_O3_an_email_that_takes_longer_than_a_claim_lasts_is_sent_once(
    letter: Letter, holding_inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "LIFETIME", claims.LIFETIME / 2.5)
    enqueue(letter, 1)
    with sending_beside() as results:
        wait_until(lambda: holding_inbox.attempts, 60)
        release_at = timezone.now() + 2 * claims.LIFETIME
        while not results:
            assert sending.send_due() == 0
            time.sleep(0.1)
            if timezone.now() > release_at:
                holding_inbox.release()
    assert results == [1] and holding_inbox.attempts == 1


@pytest.mark.django_db
def test_O3_an_email_that_is_being_sent_here_is_not_chosen_again_though_its_claim_ran_out(letter: Letter) -> None:
    """It may: many emails that are held back, or a lock, keep the sender from renewing it."""
    (mail,) = enqueue(letter, 1, claimed_until=timezone.now() - claims.LIFETIME)
    with transaction.atomic():
        assert sending._lock_next(holding.current(), set()) == mail, "another worker takes it for lost"
        assert sending._lock_next(holding.current(), {mail.pk}) is None


@pytest.mark.django_db(transaction=True)
def test_O1_an_email_of_a_worker_that_died_is_due_again_after_seconds(letter: Letter, inbox: Inbox) -> None:
    (mail,) = enqueue(letter, 1)
    OutboxMail.objects.update(claimed_until=timezone.now() + claims.LIFETIME)
    assert sending.send_due() == 0
    OutboxMail.objects.update(claimed_until=timezone.now())
    assert sending.send_due() == 1
    mail.refresh_from_db()
    assert mail.claimed_until is None


@pytest.mark.django_db(transaction=True)
def test_O1_a_database_that_restarts_while_emails_are_sent_makes_none_come_twice(
    letter: Letter, holding_inbox: Inbox
) -> None:
    enqueue(letter, 4)
    with sending_beside(most_connections=4) as results:
        wait_until(lambda: holding_inbox.attempts == 4, 60)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        holding_inbox.release()
    assert results == [4]
    assert sending.send_due() == 0 and len(holding_inbox) == 4
    assert not OutboxMail.objects.filter(kind="link", sent_at=None).exists()


@pytest.mark.xdist_group("serve")
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_worker_ends_within_ten_seconds_though_the_service_hangs_and_the_next_one_sends(
    inbox: Inbox, settings: Any
) -> None:
    inbox.fault = "hang mail"
    url = f"smtp://127.0.0.1:{settings.MAILERS['default']['OPTIONS']['port']}"
    with LiveSite.temporary(free_port(), EMAIL_URL=url) as site:
        assert post(site, 1, digest_of(site)) == 303
        wait_until(lambda: inbox.attempts, 20)
        seconds = seconds_to_end(site)
        wait_until(lambda: inbox.recipients, 120)
        assert inbox.recipients == ["signer1@example.org"]
        assert seconds > 1, "it waited for the email"
        assert seconds - seconds_to_end(site) < 9, "but not for long: at the end, one that has nothing to do is as slow"


def seconds_to_end(site: LiveSite) -> float:
    """Asks the worker to end. Returns how long that took."""
    number = site.worker_process()
    os.kill(number, signal.SIGTERM)
    return wait_until(lambda: number not in site.processes(), 120)
