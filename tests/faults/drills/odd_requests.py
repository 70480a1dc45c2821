"""Drill 13: random requests, written byte by byte from a fixed seed."""

import contextlib
import random
import re
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.drills.drill_site import SLUG, DrillSite, WebServer
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import CLIENTS

SEED = 1
LETTER = f"/letters/{SLUG}/"
METHODS = ("GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "\x00")
PATHS = (
    "/", LETTER, f"{LETTER}sign/", f"{LETTER}my-link/", f"{LETTER}signatories/", f"{LETTER}history/", f"{LETTER}embed/", "/signature/{}/", "/no-updates/{}/",
    f"/ko{LETTER}", f"/zh-hans{LETTER}sign/", f"/api/v1/letters/{SLUG}/", f"{LETTER}signatories/{{}}/", "/deliveries/{}/1/", "/admin/", "/admin/login/",
    "/static/{}", "/{}", "/healthz", "/robots.txt", "/privacy/",
)  # fmt: skip
ODD = (
    "%00", "\x00", "%ff%fe", "\xff", "%ED%A0%80", "%C0%AF", "%u0041", "../" * 20, "%2e%2e/", "'", '"', "<script>", "{{7*7}}", "' OR 1=1 --", "a" * 3_000, "%0d%0aX:1",
    "\u202e", "\U000e0041", "1" * 40, "-1", "9" * 20, "00000000000000000000000000000000", "z.00000000000000000000000000000000",
    "z%00z.00000000000000000000000000000000", "%", "&&&=", "[]", "[$ne]", ";", "\t", "=1+1", "\r", "e\u0301" * 50,
)  # fmt: skip
PARAMETERS = ("q", "country", "order", "after", "before", "token", "stamp", "next", "page")
FIELDS = ("kind", "name", "email", "visibility", "consent", "text", "stamp", "seconds", "website", "country", "comment", "action", "updates", "username", "password")  # fmt: skip
VALUES = ("name", "person", "on", "public", "KR", "dora@example.org", "40", "confirm")
TYPES = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "application/json", "text/plain; charset=nix", "")  # fmt: skip
HEADERS = ("Cookie", "Accept-Language", "If-None-Match", "If-Modified-Since", "Range", "Origin", "Sec-Fetch-Site", "X-Forwarded-For", "Forwarded", "Accept-Encoding", "Host", "Transfer-Encoding", "Expect")  # fmt: skip


def request(chance: random.Random) -> bytes:
    def odd() -> str:
        return chance.choice(ODD if chance.random() < 0.6 else VALUES)

    def pairs(names: tuple[str, ...]) -> str:
        return "&".join(f"{chance.choice(names)}={odd()}" for _each in range(chance.randrange(6)))

    path = chance.choice(PATHS).replace("{}", odd())
    query = pairs(PARAMETERS)
    body = (
        pairs(FIELDS).encode("utf-8", "surrogatepass")
        if chance.random() < 0.5
        else chance.randbytes(chance.randrange(400))
    )
    if chance.random() < 0.3:
        body = b"--x\r\nContent-Disposition: form-data; name=" + odd().encode() + b"\r\n\r\n" + body + b"\r\n--x--\r\n"
    lines = [
        f"{chance.choice(METHODS)} {path}{'?' if query else ''}{query} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
    ]
    if body:
        length = len(body) if chance.random() < 0.98 else chance.choice((0, 1, -1, len(body) * 2, 10**12))
        lines += [f"Content-Length: {length}", f"Content-Type: {chance.choice(TYPES)}"]
    lines += [f"{chance.choice(HEADERS)}: {odd()}" for _each in range(chance.randrange(3))]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body


def nul_in_cursor(chance: random.Random) -> bytes:
    """What the database refuses, and the control does not."""
    query = f"?order=name&after=z%00{chance.random()}.{chance.randbytes(16).hex()}"
    return f"GET {LETTER}signatories/{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def status_of(port: int, said: bytes) -> int:
    """Returns the status of the answer; 0 when the connection was ended without one, which is allowed."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as client:
        client.sendall(said)
        answer = client.recv(64)
        if match := re.match(rb"HTTP/1\.\d (\d{3})", answer):
            return int(match[1])
    return 0


def try_it(web: WebServer, number: int, make: Callable[[random.Random], bytes]) -> Outcome:
    workers = web.workers
    chance = random.Random(SEED)
    requests = [make(chance) for _each in range(number)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = Counter(pool.map(lambda said: status_of(web.port, said), requests))
    died = len(set(workers) - set(web.workers))
    errors = {status: count for status, count in answers.items() if status >= 500}
    outcome = Outcome(sent=number, unknown=answers[0], errors=sum(errors.values()), faults=number)
    outcome.note = f"answers {dict(sorted(answers.items()))}; {died} processes died"
    outcome.expect(not errors.keys() - {501, 505}, f"answers {errors}")
    outcome.expect(died == 0, f"{died} processes died")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(
        site.web,
        2_000 if is_short else 20_000,
        lambda chance: (request if chance.random() < 0.99 else nul_in_cursor)(chance),
    )


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """A NUL reaches the database."""
    return try_it(site.worse_web, 100, nul_in_cursor)


DRILL = Drill(13, "random requests", on_site, on_control)
