"""`uv run python -m tests.faults.parallel_logins`: 64 logins at once, and the most memory that a web process took.

The *control* is the same code under a plain WSGI server with Django's own hasher: one hash for each thread. It must
take more than the limit, or the drill proves nothing.
"""

import contextlib
import http.client
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

from tests.faults.stalled import control
from tests.live_site import LiveSite, free_port

LOGINS = 64
MAX_MEGABYTES = 400


def log_in(port: int, number: int) -> tuple[int, float]:
    """Tries a password from a network of its own. Returns the status, and the seconds until the answer."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(f"127.0.{number + 1}.1", 0))
    try:
        body = urlencode({"username": "admin", "password": f"wrong {number}"})
        connection.request(
            "POST", "/admin/login/", body, {"Content-Type": "application/x-www-form-urlencoded", **SAME_SITE}
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status, time.monotonic() - begun
    finally:
        connection.close()


TOKEN = "a" * 32
SAME_SITE = {"Cookie": f"csrftoken={TOKEN}", "X-CSRFToken": TOKEN, "Sec-Fetch-Site": "same-origin"}


def processes_of(port: int) -> list[int]:
    """Returns the processes of a plain server on this port, which stands in their command."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = file.read_bytes().split(b"\0")
            if b"granian" in words and str(port).encode() in words:
                found.append(int(file.parent.name))
    return found


def peak_megabytes(processes: list[int]) -> int:
    """Returns the most memory that one of the processes has taken."""
    statuses = (Path(f"/proc/{number}/status").read_text() for number in processes)
    return max(int(found[1]) // 1024 for status in statuses if (found := re.search(r"VmHWM:\s+(\d+) kB", status)))


def run(port: int, server: str, processes: list[int]) -> int:
    """Sends the logins, and prints what came of them. Returns the peak in megabytes."""
    before = peak_megabytes(processes)
    with ThreadPoolExecutor(LOGINS) as clients:
        answers = list(clients.map(lambda number: log_in(port, number), range(LOGINS)))
    peak = peak_megabytes(processes)
    statuses = {status: [answer[0] for answer in answers].count(status) for status, _seconds in answers}
    slowest = max(seconds for _status, seconds in answers)
    print(f"{server:8} {statuses}  slowest {slowest:.2f} s  memory {before} MB before, at most {peak} MB")
    return peak


def main() -> int:
    with LiveSite.temporary(free_port()) as site:
        peak = run(site.port, "site", site.web_processes())
        with control(site) as port:
            without = run(port, "control", processes_of(port))
    return 0 if peak < MAX_MEGABYTES < without else 1


if __name__ == "__main__":
    sys.exit(main())
