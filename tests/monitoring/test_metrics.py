"""The numbers at `/metrics`: for the operator's monitoring, and for nobody else."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from campaign.models import Letter
from campaign.runtime import environment
from campaign.web import request_metrics
from signatures import counts
from signatures.models import OutboxMail
from signatures.monitoring import alarms
from signatures.registries import AlarmCode
from signatures.states import State
from tests.factories import make_signature
from tests.inbox import Inbox
from tests.live_site import LiveSite, free_port

TOKEN = "0123456789abcdef" * 3
Numbers = dict[tuple[str, ...], float]
pytestmark = pytest.mark.xdist_group("metrics")  # they share one served site


@pytest.fixture
def token(settings: Any, tmp_path: Path) -> str:
    settings.METRICS_TOKEN, settings.METRICS_DIR = TOKEN, tmp_path / "metrics"
    request_metrics._metrics.cache_clear()
    return TOKEN


def numbers_in(text: str) -> Numbers:
    """Each number, by the name of the metric and the values of its labels, which are in the order of their names."""
    return {
        (sample.name.removeprefix("undersigned_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def numbers(client: Client) -> Numbers:
    answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return numbers_in(answer.content.decode())


@pytest.mark.django_db
def test_the_numbers_say_what_happened_and_what_waits(
    client: Client, letter: Letter, form: dict[str, str], token: str, inbox: Inbox
) -> None:
    client.post("/letters/bridge/sign/", form)
    make_signature(letter, "Ada", State.WAITING, flags=["link"], confirmed_at=timezone.now() - timedelta(hours=2))
    make_signature(letter, "Ben", State.APPROVED)
    alarms.raise_alarm(AlarmCode.RISE, "300 sign-ups in an hour.", timezone.now() + timedelta(minutes=10))

    before = numbers(client)

    assert before["events_total", "sign-up"] == 1
    assert before["events_total", "confirm"] == 2
    assert before["waiting", "flagged"] == 1
    assert 7_000 < before["waiting_seconds", "flagged"] < 7_500
    assert before["mails", "due"] == 1
    assert before["alarm", "rise"] == 1
    assert before["alarm", "count-drift"] == 0
    assert before["database_up",] == 1
    assert 0 < before["disk_free_bytes",] < before["disk_size_bytes",]
    assert 0 < before["database_connections", "all"] <= before["database_connections_max",]

    counts.fold_deltas()
    assert {name: value for name, value in numbers(client).items() if name[0] == "events_total"} == {
        name: value for name, value in before.items() if name[0] == "events_total"
    }, "folding changes no number"


@pytest.mark.django_db
def test_the_numbers_say_when_an_email_was_last_sent_and_how_long_the_oldest_waits(
    client: Client, letter: Letter, token: str
) -> None:
    assert numbers(client)["mail_sent_timestamp_seconds",] == 0

    now = timezone.now()
    ada = make_signature(letter, "Ada", State.APPROVED)
    words: dict[str, Any] = {"signature": ada, "kind": "links", "language": "en", "queued_at": now}
    OutboxMail.objects.create(**words, due_at=now, sent_at=now - timedelta(minutes=3))
    OutboxMail.objects.create(**words, due_at=now - timedelta(minutes=40), recipient=b"sealed")
    found = numbers(client)

    assert found["mail_sent_timestamp_seconds",] == pytest.approx((now - timedelta(minutes=3)).timestamp())
    assert found["mails_sent_last_hour",] == 1
    assert found["mail_due_seconds",] == pytest.approx(2_400, abs=60)


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["", "Bearer", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer ü"])
def test_without_the_token_there_is_no_such_page(client: Client, token: str, header: str) -> None:
    assert client.get("/metrics", headers={"authorization": header}).status_code == 404


@pytest.mark.django_db
def test_each_machine_is_asked_by_an_address_of_its_own(client: Client, token: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["letter.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics|arrival)$"]
    for host in ("web1:8000", "10.0.0.2"):
        given = {"host": host, "authorization": f"Bearer {TOKEN}"}
        assert numbers_in(client.get("/metrics", headers=given).content.decode())["database_up",] == 1
        assert client.get("/metrics", headers={**given, "authorization": "Bearer other"}).status_code == 400


@pytest.mark.django_db
def test_without_a_token_in_the_settings_there_is_no_such_page_either(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_the_rest_is_said(
    client: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    found = numbers(client)

    assert found["database_up",] == 0
    assert found["disk_free_bytes",] > 0


@pytest.mark.django_db
def test_O10_a_folder_that_cannot_be_made_keeps_nobody_from_an_answer(
    client: Client, letter: Letter, token: str, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    settings.METRICS_DIR = tmp_path / "file" / "metrics"

    assert client.get("/").status_code == 200
    assert "requests are not counted: NotADirectoryError" in caplog.text
    assert numbers(client)["database_up",] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.django_db
def test_no_folder_that_somebody_else_has_put_there_is_used(
    client: Client, letter: Letter, token: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.METRICS_DIR.mkdir()
    os.chown(settings.METRICS_DIR, 12345, 12345)

    assert client.get("/").status_code == 200
    assert "requests are not counted: PermissionError" in caplog.text
    assert numbers(client)["database_up",] == 1


def test_O10_the_numbers_are_in_memory_because_a_full_disk_would_end_the_process() -> None:
    assert environment.folder_in_memory(Path("/srv/one")).parent == Path("/dev/shm")  # noqa: S108  nothing is written
    assert environment.folder_in_memory(Path("/srv/one")) != environment.folder_in_memory(Path("/srv/two"))


@pytest.fixture(scope="module")
def site() -> Iterator[LiveSite]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("METRICS_TOKEN", TOKEN)
        with LiveSite.temporary(free_port()) as site:
            yield site


def numbers_of(site: LiveSite) -> Numbers:
    request = Request(f"http://127.0.0.1:{site.port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    with urlopen(request, timeout=10) as answer:
        return numbers_in(answer.read().decode())


def test_requests_are_counted_by_page_status_and_whether_they_came_from_memory(site: LiveSite) -> None:
    for path in (
        "/",
        "/",
        "/ko/",
        "/healthz",
        "/nowhere/",
        "/letters/xi-jinping-2013/signatories/?q=someone-typed-this",
    ):
        site.get(path)

    found = numbers_of(site)

    assert found["requests_total", "no", "first", "200"] >= 2, "in two languages"
    assert found["requests_total", "yes", "first", "200"] >= 1
    assert found["requests_total", "yes", "health", "200"] == 1
    assert found["requests_total", "no", "none", "404"] >= 1
    assert found["request_seconds_count", "first"] >= 3
    assert found["worker_seen_timestamp_seconds",] > time.time() - 120
    labels = " ".join(word for name in found for word in name)
    assert "someone" not in labels
    assert "nowhere" not in labels


def test_a_web_process_that_ends_takes_no_number_with_it(site: LiveSite) -> None:
    site.get("/privacy/")
    before = numbers_of(site)["requests_total", "no", "privacy", "200"]
    (web,) = site.web_processes()

    os.kill(web, signal.SIGKILL)
    site.wait_until_ready(60)

    assert numbers_of(site)["requests_total", "no", "privacy", "200"] == before
    site.get("/letters/xi-jinping-2013/my-link/")
    assert numbers_of(site)["requests_total", "no", "my-link", "200"] == 1


def test_the_site_tells_nothing_without_the_token(site: LiveSite) -> None:
    with pytest.raises(HTTPError) as refused:
        urlopen(f"http://127.0.0.1:{site.port}/metrics", timeout=10)
    refused.value.close()
    assert refused.value.code == 404


def test_what_strangers_type_makes_no_further_number(site: LiveSite) -> None:
    def ask(number: int) -> set[tuple[str, ...]]:
        for path in (f"/letters/{number}/", f"/{number}/", f"/?{number}={number}"):
            site.get(path)
        return set(numbers_of(site))

    ask(0)
    first = ask(1)  # by now there are numbers for the pages themselves, and for this one
    for number in range(2, 12):
        last = ask(number)
    assert last == first
