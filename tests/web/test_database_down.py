"""The database of a running site stops: the letter stays readable, and the site recovers (threat model O4)."""

import contextlib
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from email.message import Message
from pathlib import Path

import pytest

from campaign.runtime import cluster
from campaign.web import health
from tests.languages import PREFIXES
from tests.live_site import LiveSite
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("serve")
LETTER = "/letters/xi-jinping-2013/"
SEARCH = f"{LETTER}signatories/?q=a"


def ask(site: LiveSite, path: str, method: str = "GET") -> tuple[int, Message, str]:
    request = urllib.request.Request(f"{site.url}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()
    except OSError:
        return 0, Message(), ""


def seconds_until_it_answers(site: LiveSite, begun: float) -> float:
    """Waits for it. Returns the seconds since this moment."""
    wait_until(lambda: ask(site, SEARCH)[0] == 200, 120)
    return time.monotonic() - begun


def kill_the_database(site: LiveSite) -> float:
    """Returns the seconds until another one answers."""
    killed, begun = site.postmaster, time.monotonic()
    os.kill(killed, signal.SIGKILL)

    def is_another() -> bool:
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError):  # its file is being written
            return site.postmaster != killed
        return False

    wait_until(is_another, 120)  # a process of the killed one may answer for a moment
    return seconds_until_it_answers(site, begun)


def test_O4_the_letter_stays_readable_in_each_language_while_the_database_is_down(site: LiveSite) -> None:
    assert ask(site, LETTER)[0] == 200
    with site.without_database():
        for language in PREFIXES:
            status, headers, page = ask(site, f"{language}{LETTER}")
            assert status == 200 and 'class="sheet"' in page and "public" in headers["Cache-Control"], language
            assert ask(site, f"{language}{LETTER}", "HEAD")[2] == ""
        for path in (SEARCH, f"{LETTER}signatories/{uuid.uuid4()}/"):
            status, headers, page = ask(site, path)
            assert (status, headers["Retry-After"], headers["Cache-Control"]) == (503, "10", "no-store"), path
            assert "Back in a moment" in page
            assert not re.search("Traceback|OperationalError|psycopg|connection", page), path
        assert ask(site, "/healthz")[0] == 200
        time.sleep(health.KEPT_SECONDS)  # another test may have asked just before
        assert ask(site, "/readyz")[0] == 503
    assert seconds_until_it_answers(site, time.monotonic()) < 10
    site.wait_until_ready(10)
    assert "Sign the letter" in ask(site, LETTER)[2]


def test_O4_a_killed_embedded_database_is_restarted(site: LiveSite) -> None:
    assert any(kill_the_database(site) < 10 for _try in range(3)), "a machine may stand still for a moment"
    site.wait_for_line(r"the database had stopped; it was restarted\.")


def test_O4_the_site_stays_up_when_the_disk_refuses_what_a_restart_of_the_database_writes(site: LiveSite) -> None:
    assert ask(site, LETTER)[0] == 200  # from now on it is in memory
    written = site.folder / "postgres.log"
    written.rename(site.folder / "postgres.log.kept")
    written.mkdir()  # refused like a file on a disk that has become read-only, also for root
    try:
        os.kill(site.postmaster, signal.SIGKILL)
        deadline = time.monotonic() + 120
        while "postgres.log cannot be used: Is a directory." not in site.output.read_text():
            assert site.process.poll() is None and time.monotonic() < deadline, "serve ended"
            time.sleep(0.05)
        assert ask(site, LETTER)[0] == 200
        wait_until(lambda: ask(site, SEARCH)[0] == 503, 60)  # a process of the killed one may answer for a moment
    finally:
        written.rmdir()
        site.wait_until_ready(60)


def test_stopping_a_killed_database_leaves_whoever_has_its_number_now(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "postmaster.pid").write_text(f"{other.pid}\n")
        begun = time.monotonic()
        cluster.stop_server(tmp_path, None)  # and does not wait for a file that nobody deletes
        assert other.poll() is None and time.monotonic() - begun < 5
        other.kill()
