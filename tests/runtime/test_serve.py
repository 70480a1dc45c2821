"""`serve`: starting, stopping, restarting, and no loss when everything is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign.web import health
from tests import signals
from tests.live_site import LiveSite, free_port
from tests.prepared import BASE

pytestmark = [
    pytest.mark.xdist_group("serve"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
]


@pytest.fixture
def fresh() -> Iterator[LiveSite]:
    """A site for one test, which may break it."""
    with LiveSite.temporary(free_port(), is_prepared=False) as site:
        yield site


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def post(site: LiveSite, number: int, digest: str) -> int:
    """Signs as the number-th person. Returns the status, or 0 without an answer."""
    form = {
        "name": f"Signer {number}",
        "email": f"signer{number}@example.org",
        "visibility": "public",
        "consent": "on",
        "text": digest,
    }
    opener = urllib.request.build_opener(NoRedirect)
    try:
        answer = opener.open(
            f"http://127.0.0.1:{site.port}/letters/xi-jinping-2013/sign/",
            urllib.parse.urlencode(form).encode(),
            timeout=10,
        )
        return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def digest_of(site: LiveSite) -> str:
    deadline = time.monotonic() + 20  # while the database is slow, the page is one without a form
    while not (found := re.search(r'name="text" value="([0-9a-f]{64})"', page := site.get("/")[1])):
        assert time.monotonic() < deadline, page
        time.sleep(0.5)
    return found[1]


def test_serve_prints_its_addresses_and_ctrl_c_stops_everything(fresh: LiveSite) -> None:
    output = fresh.output.read_text()
    assert f"{fresh.url}/" in output and f"{fresh.url}/admin/" in output and "First login: name admin" in output
    errors = [line for line in output.splitlines() if '"ERROR"' in line and "/readyz" not in line]
    assert errors == [], "neither web server nor worker stumbles at an ordinary start"
    assert fresh.first_password and fresh.first_password not in output, "it may be the journal"
    login = fresh.folder / "first-login.txt"
    assert login.stat().st_mode & 0o777 == 0o600

    fresh.process.send_signal(signal.SIGINT)
    assert fresh.process.wait(60) == 0

    assert fresh.processes() == []
    assert fresh.get("/")[0] == 0


def test_O11_readiness_asks_for_durable_settings(site: LiveSite) -> None:
    status, body = site.get("/readyz")
    assert (status, json.loads(body)) == (200, dict.fromkeys(["ready", *health.CHECKS, *health.more_checks], True))
    with site.connect() as connection, connection.cursor() as cursor:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == ("on",)
        cursor.execute("SHOW listen_addresses")
        assert cursor.fetchone() == ("",)
    connection.close()


def test_a_second_serve_on_the_same_folder_says_so_in_one_sentence(site: LiveSite) -> None:
    environment = {**os.environ, "VAR_DIR": str(site.folder), "DJANGO_SETTINGS_MODULE": "campaign.settings"}
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(free_port())],
        cwd=BASE,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode != 0
    assert second.stderr.strip().endswith(f"Another `serve` is already running on {site.folder}.")
    assert second.stderr.count("\n") <= 1
    assert site.get("/readyz")[0] == 200


def test_a_web_process_freezes_its_loaded_objects(site: LiveSite) -> None:
    environment = {**os.environ, "VAR_DIR": str(site.folder), "DJANGO_SETTINGS_MODULE": "campaign.settings"}
    code = "import campaign.asgi, gc, sys; print(gc.get_freeze_count() > 10_000, 'signatures.signing.views' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE, env=environment, capture_output=True, check=True)
    assert done.stdout == b"True True\n"


def test_a_command_uses_the_running_database(site: LiveSite, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "VAR_DIR": str(site.folder),
        "SITE_URL": site.url,
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "export_csv", "xi-jinping-2013", "--reason", "a test"],
        cwd=BASE,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Who else uses this site may have approved somebody by now.
    assert done.stdout.startswith(
        b"\xef\xbb\xbfnumber,kind,name,role,organization,country,signed_on,language,revision,source\r\n"
    )
    assert site.get("/readyz")[0] == 200, "it did not stop what it did not start"


def test_R6_a_web_process_that_is_killed_is_restarted_and_that_is_a_line_of_json(site: LiveSite) -> None:
    (process,) = site.web_processes()
    os.kill(process, signal.SIGKILL)
    site.wait_until_ready()
    site.wait_for_line(r"web server ended with -9; it restarts in \d+ s\.")  # longer, if it was killed before


def test_a_child_process_that_ends_is_restarted(site: LiveSite) -> None:
    os.kill(site.worker_process(), signal.SIGKILL)

    site.wait_for_line(r"worker ended with -9; .*")
    assert post(site, 4711, digest_of(site)) == 303  # as nobody else who uses this site
    assert site.wait_for_mail("signer4711@example.org").startswith("/signature/")


def test_R2_no_web_process_knows_the_private_key_or_its_path(site: LiveSite) -> None:
    private = (site.folder / "keys" / "outbox.private").read_text().strip().encode()
    web = site.web_processes()
    assert web
    for number in web:
        environment = Path(f"/proc/{number}/environ").read_bytes()
        assert b"OUTBOX_PRIVATE_KEY_FILE=\0" in environment
        assert private not in environment


def test_F1_after_kill_9_no_acknowledged_signature_is_lost(fresh: LiveSite) -> None:
    """A small version of the drill of threat model F1: three rounds of signing with every process killed in the middle."""
    digest = digest_of(fresh)
    acknowledged: set[int] = set()
    sent = 0
    for _round in range(3):
        stop = threading.Event()
        numbers = iter(range(sent, sent + 100_000))
        lock = threading.Lock()

        def press(stop: threading.Event = stop, numbers: Iterator[int] = numbers, lock: threading.Lock = lock) -> None:
            while not stop.is_set():
                with lock:
                    number = next(numbers)
                if post(fresh, number, digest) == 303:
                    acknowledged.add(number)

        pressing = [threading.Thread(target=press) for _each in range(4)]
        for thread in pressing:
            thread.start()
        enough, deadline = len(acknowledged) + 20, time.monotonic() + 60
        while len(acknowledged) < enough and time.monotonic() < deadline:  # however slow the machine is
            time.sleep(0.02)
        signals.send(signal.SIGKILL, fresh.processes())
        stop.set()
        for thread in pressing:
            thread.join()
        fresh.process.wait(10)
        sent = next(numbers)
        fresh.__enter__()

    with fresh.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT name FROM signatures_submission")
        stored = {int(name.split()[1]) for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT count(*) FROM signatures_submission s WHERE NOT EXISTS (SELECT 1 FROM signatures_outboxmail m WHERE m.signature_id = s.id)"
        )
        assert cursor.fetchone() == (0,), "no row without its email"
    connection.close()
    assert len(acknowledged) > 50
    assert acknowledged - stored == set(), "lost"
