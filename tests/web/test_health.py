"""Health checks: what they try, and that they do not lie."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from campaign.runtime import object_storage
from campaign.web import health
from tests.live_site import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    settings.DELIVERIES_DIR = tmp_path / "deliveries"


class Clock:
    """The time that counts for how old an answer is."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """It stands still, unless a test moves it."""
    standing = Clock()
    monkeypatch.setattr(health, "time", standing)
    return standing


@pytest.fixture(autouse=True)
def worker(db: None) -> None:
    """The worker has just finished something."""
    arguments: dict[str, Any] = {"args": [], "kwargs": {}}
    DBTaskResult.objects.create(
        task_path="signatures.tasks.run_duties", finished_at=timezone.now(), args_kwargs=arguments
    )


def failed(client: Client) -> set[str]:
    """Returns the names of the checks that failed."""
    health.answers.clear()
    answer = client.get("/readyz")
    found = answer.json()
    assert answer.status_code == (200 if found["ready"] else 503)
    assert found["ready"] == all(passed for name, passed in found.items() if name not in {"ready", "cache", "packages"})
    return {name for name, passed in found.items() if not passed} - {"ready"}


def test_a_site_that_can_take_signatures_is_ready(client: Client) -> None:
    assert failed(client) == set()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_monitor_on_this_machine_is_answered_whatever_host_and_scheme(
    client: Client, settings: Any, path: str
) -> None:
    settings.ALLOWED_HOSTS = ["letter.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
    assert Client().get(path, headers={"host": "127.0.0.1:8000"}).status_code == 200
    assert client.get(path, headers={"host": "10.0.0.1"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_health_check_is_asked_and_not_told(client: Client, path: str) -> None:
    answer = client.post(path)
    assert answer.status_code == 405 and answer["Allow"] == "GET, HEAD"


def test_O11_a_server_that_does_not_flush_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    assert failed(client) == {"durable"}


def test_a_database_that_takes_no_writes_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
    assert failed(client) == {"database"}


def test_a_worker_that_stands_still_is_not_ready(client: Client) -> None:
    DBTaskResult.objects.update(finished_at=timezone.now() - 2 * health.WORKER_TIMEOUT)
    assert failed(client) == {"worker"}


@pytest.mark.parametrize("only", [{"queue_name": "long"}, {"task_path": "signatures.tasks.run_bulk_rule"}])
def test_a_worker_that_runs_other_tasks_and_no_duties_is_not_ready(client: Client, only: dict[str, str]) -> None:
    DBTaskResult.objects.update(**only)
    assert failed(client) == {"worker"}


def test_a_folder_that_is_gone_is_not_ready(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "gone"
    assert failed(client) == {"folders"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode:
        pytest.skip("this user may mount nothing")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_O10_a_full_disk_is_not_ready(client: Client, settings: Any, small_disk: Path, caplog: Any) -> None:
    settings.VAR_DIR = small_disk
    assert failed(client) == {"disk"}, "nearly full, as one of 1 MB is"
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "much").write_bytes(bytes(2**21))
    assert failed(client) == {"disk", "folders"}
    assert "readiness: folders failed with OSError" in caplog.messages


@pytest.mark.parametrize("cache", ["redis.RedisCache", "dummy.DummyCache"])
def test_O18_a_site_whose_cache_is_away_or_forgets_is_ready_and_says_so(
    client: Client, settings: Any, cache: str
) -> None:
    backend = {"BACKEND": f"django.core.cache.backends.{cache}", "LOCATION": "redis://127.0.0.1:9/0"}
    settings.CACHES = settings.CACHES | {"shared": backend}
    assert failed(client) == {"cache"}
    assert client.get("/readyz").status_code == 200


def test_a_web_server_that_cannot_ask_the_store_of_packages_is_ready_and_says_so(client: Client, settings: Any) -> None:
    away = object_storage.from_url("X", f"s3+http://key:secret@127.0.0.1:{free_port()}/letters")
    settings.STORAGES = settings.STORAGES | {"deliveries": away}
    assert failed(client) == {"packages"}
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("name", sorted(health.NOT_NEEDED))
def test_a_site_is_ready_while_what_it_can_do_without_hangs(
    client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    end = threading.Event()

    def hang() -> bool:
        end.wait(60)
        return True

    monkeypatch.setattr(health, "ASIDE_SECONDS", 0.1)
    monkeypatch.setattr(health, "CHECKS", health.CHECKS | health.more_checks | {name: hang})
    monkeypatch.setattr(health, "more_checks", {})
    assert failed(client) == failed(client) == {name}, "the second one waits for the same thread"
    end.set()
    wait_until(lambda: failed(client) == set(), 30)


def test_whoever_asks_often_makes_the_database_write_once(
    client: Client, django_assert_num_queries: Callable[..., Any]
) -> None:
    assert failed(client) == set()
    with django_assert_num_queries(0):
        assert {client.get("/readyz").status_code for _each in range(20)} == {200}


def test_a_check_that_hangs_makes_the_site_not_ready_once_the_last_answer_is_old(
    client: Client, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    begun, end = threading.Event(), threading.Event()

    def hang() -> bool:
        begun.set()
        return end.wait(60)

    monkeypatch.setattr(health, "CHECKS", {"mount": lambda: True})
    monkeypatch.setattr(health, "more_checks", {})
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(health, "OLD_SECONDS", 1.0)
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.1)
    assert failed(client) == set()
    monkeypatch.setattr(health, "CHECKS", {"mount": hang})
    checking = threading.Thread(target=health.answers.get)
    checking.start()
    assert begun.wait(10)
    assert client.get("/readyz").status_code == 200, "the last answer is new"
    clock.now += 1.1
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "mount": True, "timely": False})
    end.set()
    checking.join()
    assert client.get("/readyz").status_code == 200


def test_after_a_long_silence_two_monitors_at_once_get_the_new_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def take_time() -> bool:
        begun.set()
        time.sleep(0.5)
        return True

    monkeypatch.setattr(health, "CHECKS", {"slow": take_time})
    monkeypatch.setattr(health, "more_checks", {})
    health.answers.clear()
    checking = threading.Thread(target=health.answers.get)
    checking.start()
    assert begun.wait(10)
    assert health.answers.get() == {"slow": True}
    checking.join()
