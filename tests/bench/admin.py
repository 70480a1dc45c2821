"""Admin pages, requested one after the other by a moderator who is logged in."""

import http.cookiejar
import json
import statistics
import time
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.fixture import BenchSite
from tests.bench.table import Row, say

MAX_MS, MAX_DECISION_MS, MAX_STATEMENTS, MAX_RATIO = 300, 100, 12, 1.5
NAME, PASSWORD = "bench", "a long enough password"
MAKE = (
    "from django.contrib.auth.models import User, Group; "
    f"user = User.objects.create_user('{NAME}', password='{PASSWORD}', is_staff=True); "
    "user.groups.add(Group.objects.get(name='moderator'))"
)
ALL, QUEUE = "/admin/signatures/signature/", "/admin/signatures/waitingsignature/"
PAGES = {
    "dashboard": "/admin/",
    "queue": QUEUE,
    "queue, next page": f"{QUEUE}?p=2",
    "queue, last page": f"{QUEUE}?p=200",
    "queue, in batches": f"{QUEUE}?tab=batch",
    "queue, held": f"{QUEUE}?tab=held",
    "queue, without a flag": f"{QUEUE}?flagged=no",
    "queue, one flag": f"{QUEUE}?flagged=link",
    "queue, one country": f"{QUEUE}?country=KR",
    "queue, one language": f"{QUEUE}?language=zh-hans",
    "queue, one visibility": f"{QUEUE}?visibility__exact=counted",
    "queue, one kind": f"{QUEUE}?kind__exact=organization",
    "queue, search": f"{QUEUE}?q=kim",
    "all": ALL,
    "all, next page": f"{ALL}?p=2",
    "all, last page": f"{ALL}?p=200",
    "all, search": f"{ALL}?q=kim+ji",
    "all, search without a match": f"{ALL}?q=xyzzyplugh",
    "all, one state": f"{ALL}?state__exact=rejected",
    "all, one flag": f"{ALL}?flagged=trap",
    "all, with a flag": f"{ALL}?flagged=yes",
    "all, one visibility": f"{ALL}?visibility__exact=counted",
    "all, one kind": f"{ALL}?kind__exact=organization",
    "all, one country": f"{ALL}?country=KR",
    "all, a rare country": f"{ALL}?country=IS",
    "all, one language": f"{ALL}?language=zh-hans",
    "all, one letter": f"{ALL}?letter=1",
    "all, since a day": f"{ALL}?signed_up_at__gte=2026-01-01+00%3A00%3A00%2B00%3A00",
    "all, three filters": f"{ALL}?state__exact=rejected&country=IS&language=ko",
    "one signature": f"{ALL}{{id}}/change/",
    "one that waits": f"{QUEUE}{{waiting}}/change/",
    "audit log": "/admin/signatures/auditentry/",
    "audit log, one signature": "/admin/signatures/auditentry/?signature={id}",
    "alarms": "/admin/signatures/alarm/",
}


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    times = 3 if quick else 20
    pages: dict[str, dict[str, str]] = {}
    browsers: dict[str, OpenerDirector] = {}
    for name in ("100k", "1m"):
        fill(sites[name])
        sites[name].manage("shell", "-v", "0", "-c", MAKE)
        pages[name] = paths(sites[name])
        browsers[name] = log_in(sites[name])
    rows: list[Row] = []
    for page in PAGES:
        took: dict[str, list[float]] = {"100k": [], "1m": []}
        for turn in range(times + 1):
            for name, times_of_page in took.items():
                milliseconds = fetch(browsers[name], sites[name].url + pages[name][page])
                if turn:  # the first request fills caches, as on a site in use
                    times_of_page.append(milliseconds)
        small, large = (statistics.median(took[name]) for name in ("100k", "1m"))
        worst = statistics.quantiles(took["1m"], n=20)[-1]
        say(f"  {page}: {small:.0f} ms at 100 k, {large:.0f} ms at 1 M, p95 {worst:.0f} ms")
        rows.append(Row(f"admin, {page}: p50 at 1 M", large, "ms", None, MAX_MS, at_least=False))
        rows.append(Row(f"admin, {page}: 1 M / 100 k", large, "ms", small, MAX_RATIO, at_least=False))
    took = {name: decide(browsers[name], sites[name], times) for name in ("100k", "1m")}
    small, large = (statistics.median(took[name]) for name in ("100k", "1m"))
    say(f"  a decision: {small:.0f} ms at 100 k, {large:.0f} ms at 1 M")
    rows.append(Row("admin, a decision: p50 at 1 M", large, "ms", small, MAX_DECISION_MS, at_least=False))
    rows.append(
        Row(
            "admin: statements of the page with most",
            statements(pages["100k"]),
            "",
            None,
            MAX_STATEMENTS,
            at_least=False,
        )
    )
    return rows


def fill(site: BenchSite) -> None:
    """Adds an email and two audit entries for each signature, as they collect over time."""
    site.sql(
        "INSERT INTO signatures_outboxmail (signature_id, kind, language, queued_at, due_at, sent_at, attempts, failure) "
        "SELECT id, 'link', language, signed_up_at, signed_up_at, signed_up_at, 1, '' FROM signatures_signature"
    )
    for action, was, now in (("confirm", "", "waiting"), ("approve", "waiting", "approved")):
        site.sql(
            "INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail) "
            f"SELECT confirmed_at, '{action}', letter_id, id, '{was}', '{now}', '', '{{}}' "
            "FROM signatures_signature WHERE confirmed_at IS NOT NULL"
        )
    for table in ("signatures_outboxmail", "signatures_auditentry", "signatures_hourlystatistic"):
        site.sql(f"VACUUM ANALYZE {table}")


def paths(site: BenchSite) -> dict[str, str]:
    (one,) = site.sql("SELECT max(id) FROM signatures_signature WHERE state = 'approved'")[0]
    (waiting,) = site.sql("SELECT max(id) FROM signatures_signature WHERE state = 'waiting' AND name <> ''")[0]
    return {page: path.format(id=one, waiting=waiting) for page, path in PAGES.items()}


def log_in(site: BenchSite) -> OpenerDirector:
    jar = http.cookiejar.CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    address = site.url + "/admin/login/"
    browser.open(address).read()
    token = next(cookie.value for cookie in jar if cookie.name.endswith("csrftoken"))
    typed = {"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token, "next": "/admin/"}
    browser.open(address, urlencode(typed).encode()).read()
    return browser


def fetch(browser: OpenerDirector, url: str) -> float:
    started = time.perf_counter()
    with browser.open(url, timeout=60) as answer:
        answer.read()
        if "/login/" in answer.url:
            raise SystemExit(f"{url} led to {answer.url}")
    return (time.perf_counter() - started) * 1000


def decide(browser: OpenerDirector, site: BenchSite, times: int) -> list[float]:
    """Returns how many milliseconds each of so many decisions took, sent as the script of the queue sends them."""
    wanted = f"SELECT id FROM signatures_signature WHERE state = 'waiting' ORDER BY signed_up_at LIMIT {times + 1}"
    cookies = next(handler.cookiejar for handler in browser.handlers if isinstance(handler, HTTPCookieProcessor))  # type: ignore[attr-defined]  # missing in typeshed
    token = next(cookie.value for cookie in cookies if cookie.name.endswith("csrftoken"))
    fetch(browser, site.url + QUEUE)
    took = []
    for (number,) in site.sql(wanted):
        form = urlencode({"decide": f"approve:{number}", "csrfmiddlewaretoken": token}).encode()
        request = Request(site.url + QUEUE, form, {"Accept": "application/json"})
        started = time.perf_counter()
        with browser.open(request, timeout=60) as answer:
            said = json.load(answer)
        took.append((time.perf_counter() - started) * 1000)
        if not said["changed"]:
            raise SystemExit(f"the decision changed nothing: {said}")
    return took[1:]


def statements(pages: dict[str, str]) -> int:
    """Returns the number of statements of the page that runs most, in this process."""
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(username=NAME))
    found = {}
    for page, path in {
        **pages,
        **{str(model): f"/admin/{model._meta.label_lower.replace('.', '/')}/" for model in admin.site._registry},
    }.items():
        with CaptureQueriesContext(connection) as taken:
            answer = client.get(path)
        if answer.status_code == 200:  # this moderator may not see the others
            found[page] = len(taken)
    page = max(found, key=lambda name: found[name])
    say(f"  statements: {found[page]} for {page}")
    return found[page]
