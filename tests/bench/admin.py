"""The pages of admin, as a moderator who is logged in gets them one after the other."""

import http.cookiejar
import statistics
import time
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.fixture import BenchSite
from tests.bench.table import Row, say

MOST_MS, MOST_STATEMENTS, MOST_RATIO = 300, 12, 1.5
NAME, PASSWORD = "bench", "a long enough password"
MAKE = (
    "from django.contrib.auth.models import User, Group; "
    f"user = User.objects.create_user('{NAME}', password='{PASSWORD}', is_staff=True); "
    "user.groups.add(Group.objects.get(name='moderator'))"
)
ALL, QUEUE = "/admin/signatures/signature/", "/admin/signatures/waitingsignature/"
PAGES = {
    "front page": "/admin/",
    "queue": QUEUE,
    "queue, next page": f"{QUEUE}?p=2",
    "queue, last page": f"{QUEUE}?p=200",
    "queue, without a flag": f"{QUEUE}?flagged=no",
    "queue, one flag": f"{QUEUE}?flagged=link",
    "queue, one country": f"{QUEUE}?country=KR",
    "queue, one language": f"{QUEUE}?language=zh-hans",
    "queue, one audience": f"{QUEUE}?visibility__exact=counted",
    "queue, one kind": f"{QUEUE}?kind__exact=organization",
    "queue, search": f"{QUEUE}?q=kim",
    "all": ALL,
    "all, next page": f"{ALL}?p=2",
    "all, last page": f"{ALL}?p=200",
    "all, search": f"{ALL}?q=kim+ji",
    "all, search of what is nowhere": f"{ALL}?q=xyzzyplugh",
    "all, one state": f"{ALL}?state__exact=rejected",
    "all, one flag": f"{ALL}?flagged=trap",
    "all, with a flag": f"{ALL}?flagged=yes",
    "all, one audience": f"{ALL}?visibility__exact=counted",
    "all, one kind": f"{ALL}?kind__exact=organization",
    "all, one country": f"{ALL}?country=KR",
    "all, a rare country": f"{ALL}?country=IS",
    "all, one language": f"{ALL}?language=zh-hans",
    "all, one letter": f"{ALL}?letter=1",
    "all, since a day": f"{ALL}?signed_up_at__gte=2026-01-01+00%3A00%3A00%2B00%3A00",
    "all, three filters": f"{ALL}?state__exact=rejected&country=IS&language=ko",
    "one signature": f"{ALL}{{id}}/change/",
    "one that waits": f"{QUEUE}{{waiting}}/change/",
    "trail": "/admin/signatures/auditentry/",
    "trail, of one signature": "/admin/signatures/auditentry/?signature={id}",
    "alarms": "/admin/signatures/alarm/",
}


def run(houses: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    times = 3 if quick else 20
    pages: dict[str, dict[str, str]] = {}
    people: dict[str, OpenerDirector] = {}
    for name in ("100k", "1m"):
        fill(houses[name])
        houses[name].manage("shell", "-v", "0", "-c", MAKE)
        pages[name] = addresses(houses[name])
        people[name] = log_in(houses[name])
    rows: list[Row] = []
    for page in PAGES:
        took: dict[str, list[float]] = {"100k": [], "1m": []}
        for turn in range(times + 1):
            for name, figures in took.items():
                milliseconds = fetch(people[name], houses[name].url + pages[name][page])
                if turn:  # the first one fills the caches that an admin in use has filled
                    figures.append(milliseconds)
        small, large = (statistics.median(took[name]) for name in ("100k", "1m"))
        worst = statistics.quantiles(took["1m"], n=20)[-1]
        say(f"  {page}: {small:.0f} ms at 100 k, {large:.0f} ms at 1 M, p95 {worst:.0f} ms")
        rows.append(Row(f"admin, {page}: p50 at 1 M", large, "ms", None, MOST_MS, at_least=False))
        rows.append(Row(f"admin, {page}: 1 M / 100 k", large, "ms", small, MOST_RATIO, at_least=False))
    rows.append(
        Row(
            "admin: statements of the page with most",
            statements(pages["100k"]),
            "",
            None,
            MOST_STATEMENTS,
            at_least=False,
        )
    )
    return rows


def fill(house: BenchSite) -> None:
    """A mail and two trail entries for each signature, as time would leave them."""
    house.sql(
        "INSERT INTO signatures_outboxmail (signature_id, kind, language, queued_at, due_at, sent_at, attempts, failure) "
        "SELECT id, 'link', language, signed_up_at, signed_up_at, signed_up_at, 1, '' FROM signatures_signature"
    )
    for action, was, now in (("confirm", "unconfirmed", "waiting"), ("approve", "waiting", "approved")):
        house.sql(
            "INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail) "
            f"SELECT confirmed_at, '{action}', letter_id, id, '{was}', '{now}', '', '{{}}' "
            "FROM signatures_signature WHERE confirmed_at IS NOT NULL"
        )
    for table in ("signatures_outboxmail", "signatures_auditentry", "signatures_hourlystatistic"):
        house.sql(f"VACUUM ANALYZE {table}")


def addresses(house: BenchSite) -> dict[str, str]:
    (one,) = house.sql("SELECT max(id) FROM signatures_signature WHERE state = 'approved'")[0]
    (waiting,) = house.sql("SELECT max(id) FROM signatures_signature WHERE state = 'waiting' AND name <> ''")[0]
    return {page: path.format(id=one, waiting=waiting) for page, path in PAGES.items()}


def log_in(house: BenchSite) -> OpenerDirector:
    jar = http.cookiejar.CookieJar()
    person = build_opener(HTTPCookieProcessor(jar))
    address = house.url + "/admin/login/"
    person.open(address).read()
    token = next(cookie.value for cookie in jar if cookie.name.endswith("csrftoken"))
    typed = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/admin/"}
    person.open(address, urlencode(typed).encode()).read()
    return person


def fetch(person: OpenerDirector, url: str) -> float:
    started = time.perf_counter()
    with person.open(url, timeout=60) as answer:
        answer.read()
        if "/login/" in answer.url:
            raise SystemExit(f"{url} led to {answer.url}")
    return (time.perf_counter() - started) * 1000


def statements(pages: dict[str, str]) -> int:
    """Of the page that takes most, in this process, which sees the site in the middle."""
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=NAME))
    found = {}
    for page, path in {
        **pages,
        **{str(model): f"/admin/{model._meta.label_lower.replace('.', '/')}/" for model in admin.site._registry},
    }.items():
        with CaptureQueriesContext(connection) as taken:
            answer = client.get(path)
        if answer.status_code == 200:  # the others this moderator may not see
            found[page] = len(taken)
    page = max(found, key=lambda name: found[name])
    say(f"  statements: {found[page]} for {page}")
    return found[page]
