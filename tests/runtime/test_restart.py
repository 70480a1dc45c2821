"""`serve` begins again soon, reloads without a refused request, and survives what ends its web processes (O23)."""

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command

from campaign.management.commands import collectstatic, serve
from campaign.runtime.processes import CannotStart, WebServer
from tests import signals
from tests.live_site import LiveSite, free_port
from tests.runtime.test_serve import digest_of

pytestmark = [
    pytest.mark.xdist_group("restart"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
]
LETTER = "/letters/xi-jinping-2013/"


@pytest.fixture(scope="module")
def two() -> Iterator[LiveSite]:
    """A site with two web processes and no worker."""
    with LiveSite.temporary(free_port(), "--workers", "2", "--no-worker") as site:
        yield site


@dataclass
class Visitors:
    """People who send requests without pause, over connections that they keep or open anew each time.

    The late ones open a connection a second before their request.
    """

    port: int
    digest: str
    answered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("new", "kept", "signs", "late"), 0))
    failed: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def visiting(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._visit, args=[kind])
            for kind in (*self.answered, "new", "kept", *["late"] * 30)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)

    def _visit(self, kind: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._stop.wait(0.01):
            try:
                self._ask(connection, kind)
            except OSError as error:
                self.failed.append(f"{kind}: {error!r}")
                connection.close()
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, kind: str) -> None:
        if kind == "late":
            connection.connect()
            time.sleep(1)
        if kind == "signs":
            number = self.answered["signs"]
            form = {"name": f"Signer {number}", "email": f"signer{number}@example.org", "visibility": "public"}
            body = urlencode({**form, "consent": "on", "text": self.digest})
            connection.request("POST", f"{LETTER}sign/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        else:
            connection.request("GET", LETTER)
        answer = connection.getresponse()
        answer.read()
        if answer.status != (303 if kind == "signs" else 200):
            self.failed.append(f"{kind}: {answer.status}")
        self.answered[kind] += 1
        if kind in {"new", "late"}:
            connection.close()


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status(site: LiveSite) -> int:
    """Asks for the letter, with patience: a process is loaded first."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)) as visitor:
        visitor.request("GET", LETTER)
        return visitor.getresponse().status


def reload(site: LiveSite) -> None:
    """Reloads the site, and waits until the former processes have ended."""
    former = set(site.web_processes())
    site.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not former & set(site.web_processes()), 120)
    assert len(site.web_processes()) == 2


def test_O23_no_request_is_refused_during_two_reloads(two: LiveSite) -> None:
    visitors = Visitors(two.port, digest_of(two))
    with visitors.visiting():
        time.sleep(0.5)
        reload(two)
        reload(two)
        time.sleep(0.5)
    assert visitors.failed == []
    assert min(visitors.answered.values()) > 50


def test_O23_a_reload_that_fails_leaves_the_former_processes_at_work(two: LiveSite) -> None:
    former, secret = set(two.web_processes()), two.folder / "keys" / "secret_key"
    kept = secret.rename(secret.with_name("kept"))
    secret.mkdir()
    try:
        two.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "Nothing is reloaded: `migrate` ended with 1." in two.output.read_text())
    finally:
        secret.rmdir()
        kept.rename(secret)
    assert set(two.web_processes()) == former and two.get(LETTER)[0] == 200
    reload(two)


def test_O23_two_killed_web_processes_within_three_seconds_are_no_crash_loop(two: LiveSite) -> None:
    for _each in range(2):
        first = two.web_processes()[0]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda first=first: first not in two.web_processes() and bool(two.web_processes()))  # type: ignore[misc]
        assert status(two) == 200
    wait_for(lambda: len(two.web_processes()) == 2)
    assert two.process.poll() is None


def test_O23_with_all_web_processes_killed_a_request_waits_until_another_takes_it(two: LiveSite) -> None:
    wait_for(lambda: len(two.web_processes()) == 2)
    signals.send(signal.SIGKILL, two.web_processes())
    assert status(two) == 200


def test_a_web_server_that_can_never_start_ends_with_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    web = WebServer("127.0.0.1", free_port(), 1, {**os.environ, "DJANGO_SETTINGS_MODULE": "no.such.settings"})
    web.load()
    web.open()
    try:
        with pytest.raises(CannotStart, match=r"^The web server ended 3 times while it was loaded; .*\.$"):
            while True:
                web.check()
                time.sleep(0.05)
    finally:
        web.end()
    assert "ModuleNotFoundError" in capfd.readouterr().err


def test_children_read_the_env_file_as_it_is_when_they_start(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTACT_EMAIL", "from@the.file")
    monkeypatch.setenv("ORGANIZATION_NAME", "From the environment")
    settings.NAMES_FROM_FILE = frozenset({"CONTACT_EMAIL"})
    environment = serve.environment_of_web()
    assert "CONTACT_EMAIL" not in environment and environment["ORGANIZATION_NAME"] == "From the environment"


def collect() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)


def test_static_files_are_collected_again_only_when_one_has_changed(settings: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.css").write_text("a { color: red }")
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [source], tmp_path / "static"
    collect()
    stamp = tmp_path / "static" / collectstatic.STAMP
    first = stamp.stat().st_mtime_ns

    collect()
    assert stamp.stat().st_mtime_ns == first
    (source / "one.css").write_text("a { color: green }")
    collect()
    assert stamp.stat().st_mtime_ns > first
    assert "green" in (tmp_path / "static" / "one.css").read_text()


def test_static_files_that_were_not_collected_to_the_end_are_collected(settings: Any, tmp_path: Path) -> None:
    settings.STATICFILES_DIRS, settings.STATIC_ROOT = [], tmp_path / "static"
    collect()
    (tmp_path / "static" / collectstatic.STAMP).unlink()
    style = tmp_path / "static" / "admin" / "css" / "base.css"
    style.unlink()
    collect()
    assert style.exists()
