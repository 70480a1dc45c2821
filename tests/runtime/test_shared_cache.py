"""The cache of CACHE_URL, with a real Redis: machines share it, and the site works on without it (threat model O18)."""

import logging
import pickle
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache, caches
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from redis import Redis

from campaign.runtime import environment, shared_cache
from campaign.web import health
from signatures.models import Alarm, Signature
from signatures.monitoring import alarms
from signatures.monitoring.metrics import SiteCollector
from signatures.registries import AlarmCode
from signatures.states import State
from tests.redis_server import RedisServer

QUEUE = reverse("admin:signatures_signature_changelist")


@pytest.fixture
def redis(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    monkeypatch.setattr(shared_cache, "PAUSE_SECONDS", 0.5)
    monkeypatch.setattr(shared_cache, "_presence", shared_cache._Presence())
    with RedisServer.running(tmp_path) as server:
        settings.CACHES = environment.caches(server.url)
        yield server


def read_in_other_threads(key: str, number: int = 8) -> tuple[set[Any], list[float]]:
    """Returns what they read, and the seconds that each took, shortest first."""

    def read(_number: int) -> tuple[Any, float]:
        begun = time.monotonic()
        return cache.get(key), time.monotonic() - begun

    with ThreadPoolExecutor(number) as pool:
        values, times = zip(*pool.map(read, range(number)), strict=True)
    return set(values), sorted(times)


def test_machines_share_it(redis: RedisServer) -> None:
    cache.set("key", ["value", 1], 60)
    assert cache.get("key") == ["value", 1]
    assert cache.get_or_set("other", lambda: {"a": [["x", "y"]]}, 60) == {"a": [["x", "y"]]}
    assert all(Redis.from_url(redis.url).exists(f":1:{key}") for key in ("key", "other"))


def test_without_an_address_it_is_the_memory_of_the_process() -> None:
    cache.set("key", 1, 60)
    assert caches[shared_cache.MEMORY].get("key") == 1


@pytest.mark.parametrize("url", ["memcache://127.0.0.1:11211", "127.0.0.1:6379", "dummycache://"])
def test_an_address_that_is_none_of_redis_stops_the_start(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"CACHE_URL must begin with redis://\."):
        environment.caches(url)


def test_O18_without_redis_each_process_caches_for_itself(redis: RedisServer, caplog: Any) -> None:
    cache.set("key", "shared", 60)
    redis.stop()
    with caplog.at_level(logging.ERROR):
        assert cache.get("key") is None
        assert cache.get_or_set("key", lambda: "own", 60) == "own"
        assert read_in_other_threads("key")[0] == {"own"}
    assert caplog.messages == ["the shared cache does not answer"]


def test_O18_redis_is_used_again_when_it_is_back_and_nothing_of_before_comes_back(redis: RedisServer) -> None:
    redis.stop()
    cache.set("key", "own", 60)
    redis.start()
    time.sleep(shared_cache.PAUSE_SECONDS)
    assert cache.get("key") is None
    cache.set("key", "shared", 60)
    assert Redis.from_url(redis.url).exists(":1:key")
    redis.stop()
    assert cache.get("key") is None, "what was kept in the former outage is gone"


def test_O18_a_redis_that_hangs_keeps_one_thread_waiting_now_and_then_and_no_other(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    may_be_asked = shared_cache._presence.may_be_asked
    monkeypatch.setattr(shared_cache._presence, "may_be_asked", lambda: asked.append(may_be_asked()) or asked[-1])  # type: ignore[func-returns-value]

    def wait_in_vain() -> float:
        shared_cache._presence.note(is_away=False)
        begun = time.monotonic()
        assert cache.get("key") is None
        return time.monotonic() - begun

    def read_meanwhile() -> float:
        """Returns the seconds of the slowest reader but the one that waits for Redis."""
        asked.clear()
        values, times = read_in_other_threads("key")
        assert values == {"own"}
        assert asked.count(True) == 1, "one was kept waiting"
        shared_cache._presence._try_at = 0.0  # it is the next one's turn
        return times[-2]

    assert cache.get("key") is None
    with redis.hanging():  # the machine may stand still for a moment, so all is tried again
        assert any(wait_in_vain() < 2 * shared_cache.TIMEOUT_SECONDS + 0.5 for _try in range(3))
        cache.set("key", "own", 60)
        time.sleep(shared_cache.PAUSE_SECONDS)
        monkeypatch.setattr(shared_cache, "PAUSE_SECONDS", 60)
        assert any(read_meanwhile() < shared_cache.TIMEOUT_SECONDS / 2 for _try in range(3)), (
            "all others went on at once"
        )


@pytest.mark.parametrize("content", [pickle.dumps({"a": 1}), b"\xff no JSON"])
def test_what_somebody_else_wrote_to_redis_is_neither_run_nor_believed(redis: RedisServer, content: bytes) -> None:
    Redis.from_url(redis.url).set(":1:key", content)
    assert cache.get("key") is None


def test_O18_moderators_decide_without_redis(redis: RedisServer, moderator_client: Client, cleo: Signature) -> None:
    redis.stop()
    assert moderator_client.get(QUEUE).status_code == 200
    data = {"action": "approve", "_selected_action": [cleo.pk]}
    assert moderator_client.post(QUEUE, data, follow=True).status_code == 200
    cleo.refresh_from_db()
    assert cleo.state == State.APPROVED


def test_moderators_decide_with_redis(redis: RedisServer, moderator_client: Client, cleo: Signature) -> None:
    for _each in range(2):  # the second time from the cache
        assert "country" in moderator_client.get(QUEUE).content.decode()
    data = {"action": "hold", "_selected_action": [cleo.pk], "reason": ""}
    assert moderator_client.post(QUEUE, data, follow=True).status_code == 200
    assert Redis.from_url(redis.url).exists(":1:admin-decision-choices")


@pytest.mark.django_db
def test_O18_people_sign_without_redis(redis: RedisServer, client: Client, form: dict[str, str]) -> None:
    redis.stop()
    assert client.get("/").status_code == 200
    assert client.post("/letters/bridge/sign/", form).status_code == 303


def test_O18_the_operator_is_told_and_a_load_balancer_leaves_nobody_out(
    redis: RedisServer, client: Client, db: None
) -> None:
    def cache_up() -> float:
        (found,) = (metric for metric in SiteCollector().collect() if metric.name == "undersigned_cache_up")
        return float(found.samples[0].value)

    assert (client.get("/readyz").json()["cache"], cache_up()) == (True, 1)
    alarms.check()
    assert not Alarm.objects.filter(code=AlarmCode.CACHE).exists()
    redis.stop()
    health.answers.clear()
    found = client.get("/readyz").json()
    assert (found["cache"], cache_up()) == (False, 0)
    assert {name for name, passes in found.items() if not passes} >= {"cache"}
    assert AlarmCode.CACHE in alarms.check()
