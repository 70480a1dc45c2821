"""Logs: one JSON object per line, without personal data."""

import io
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client
from django.views.debug import ExceptionReporter, get_exception_reporter_class

from campaign.models import Letter
from campaign.runtime.logs import RedactedExceptionReporter, RedactingFormatter, redact
from signatures.management.commands import worker
from signatures.models import Submission
from signatures.values import tokens
from tests.factories import make_signature, make_submission
from tests.live_site import LiveSite, free_port
from tests.prepared import BASE
from tests.waiting import wait_until

SIGN = "/letters/bridge/sign/"
FORGED = [
    "a\r\n{forged}",
    "a\n{forged}",
    "a\r{forged}",
    "a\x1b[2K\x1b[31m{forged}",
    "a\u2028{forged}",
    "a\u2029{forged}",
    "a\x85{forged}",
    "a\x0b\x0c\x1c\x1d\x1e{forged}",
    'a"}\n{"level": "forged"}',
    "a\x00\x08\x7f{forged}",
    "a\ud800{forged}",
]


class Lines(io.StringIO):
    """What our own handler wrote."""

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """The handler that settings configure, writing where a test can read; everything from DEBUG on."""
    written = Lines()
    (ours,) = (handler for handler in logging.root.handlers if isinstance(handler.formatter, RedactingFormatter))
    assert isinstance(ours, logging.StreamHandler)
    before = ours.setStream(written)
    names = ["", "django.request", "django.tasks", "django_tasks_db"]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield written
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    ours.setStream(before)


def line_of(message: str, *args: object, **details: Any) -> dict[str, Any]:
    """What becomes of one record; how many lines it makes is checked by the way."""
    record = logging.LogRecord(
        "signatures.post", logging.ERROR, "f.py", 1, message, args, details.pop("exc_info", None)
    )
    record.__dict__ |= details
    line = RedactingFormatter().format(record)
    assert line.isascii()
    assert line.isprintable(), "one line, and nothing a terminal obeys"
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_log_line_has_time_level_logger_and_event() -> None:
    line = line_of("mail %s not sent, attempt %s: %s", 17, 2, "refused: 451")
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "ERROR",
        "logger": "signatures.post",
        "event": "mail 17 not sent, attempt 2: refused: 451",
    }


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("GET /signature/abc.def/ done", "GET /signature/[link]/ done"),
        ("GET /ko/signature/abc.def/?x=1 done", "GET /ko/signature/[link]/?[query] done"),
        ("/signature%2Fabc.def", "/signature%2F[link]"),
        ("token " + "0" * 32 + "." + "Ab-_" * 11, "token [link]"),
        ("from ada@example.org.", "from [address]"),
        ("to <ada@example.org>, 550", "to <[address]>, 550"),
        ("ada%40example.org", "[address]"),
        ("아다@예시.한국", "[address]"),
        ("GET /letters/x/signatories/?q=Ada+L HTTP/1.1", "GET /letters/x/signatories/?[query] HTTP/1.1"),
        ("from ('203.0.113.7', 4431)", "from ('[network]', 4431)"),
        ("203.0.113.0/24 is busy", "[network]/24 is busy"),
        ("[2001:db8::1]:8000", "[[network]]:8000"),
        ("2001:DB8:0:1:2:3:4:5 left", "[network] left"),
        ("::ffff:203.0.113.9, ::1: gone", "[network], [network]: gone"),
        ("fe80::1%eth0", "[network]%eth0"),
        ("at 12:34:56 in std::vector, version 18.4 of 6.1.3", "at 12:34:56 in std::vector, version 18.4 of 6.1.3"),
        ("why? never mind", "why? never mind"),
    ],
)
def test_R5_links_addresses_networks_and_queries_are_redacted(said: str, kept: str) -> None:
    assert redact(said) == kept
    assert line_of("%s", said)["event"] == kept


@pytest.mark.parametrize("forged", FORGED)
def test_R6_one_record_is_one_line_whatever_is_in_it(forged: str) -> None:
    assert line_of("GET %s", forged)["event"] == f"GET {forged}", "nothing is lost either"
    line_of(forged)


def test_R5_extras_of_a_record_are_not_logged() -> None:
    line = line_of("failed: %d", "Ada Lovelace", request="Ada Lovelace", stack_info="Ada Lovelace")
    assert line["event"] == "failed: %d", "and no second, longer complaint by `logging` itself"
    assert "Ada" not in json.dumps(line)


def test_R11_an_exception_is_logged_with_type_and_locations_only() -> None:
    try:
        json.loads("Ada Lovelace")
    except ValueError:
        line = line_of("failed", exc_info=sys.exc_info())
    assert line["error"] == "JSONDecodeError"
    assert line["where"][-1].startswith("tests/runtime/test_logs.py:"), "from the project"
    assert line["where"][0].startswith("json/decoder.py:"), "from the package"
    assert "Ada" not in json.dumps(line)


def test_R11_the_web_server_logs_no_exception_message() -> None:
    """Granian puts the whole traceback into its sentence."""
    message = (
        "Application callable raised an exception\nTraceback (most recent call last):\n"
        '  File "/srv/.venv/lib/granian/wsgi.py", line 57, in _runner\n    rv = callback(environ, resp)\n'
        '  File "/srv/campaign/wsgi.py", line 9, in application\n    raise\n'
        'django.db.utils.IntegrityError: Failing row contains (Ada)\n  File "Ada.py", line 1, in Ada\nAda: Ada\n'
    )
    line = line_of(message)
    assert line["event"] == "Application callable raised an exception"
    assert (line["error"], line["where"]) == ("django.db.utils.IntegrityError", ["wsgi.py:9", "wsgi.py:57"])
    assert "Ada" not in json.dumps(line)


def test_R5_every_handler_of_every_logger_redacts() -> None:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {handler for logger in loggers if isinstance(logger, logging.Logger) for handler in logger.handlers}
    ours = {handler for handler in handlers if "pytest" not in type(handler).__module__}
    assert ours
    assert {type(handler.formatter) for handler in ours if not isinstance(handler, logging.NullHandler)} == {
        RedactingFormatter
    }
    for name in ("django.server", "django.request", "django.security.DisallowedHost", "django.tasks", "_granian.utils"):
        assert logging.getLogger(name).hasHandlers()
    assert logging.getLogger("django.db.backends").getEffectiveLevel() > logging.DEBUG, "no SQL, in DEBUG neither"


@pytest.mark.parametrize("forged", [text for text in FORGED if "\ud800" not in text])
def test_R6_path_user_agent_host_and_name_cannot_start_a_line(
    client: Client, letter: Letter, form: dict[str, str], lines: Lines, forged: str
) -> None:
    agent = {"user-agent": forged}
    client.get(f"/nowhere/{urllib.parse.quote(forged)}/", headers=agent)
    client.get(f"/signature/{urllib.parse.quote(forged)}/", headers=agent)
    client.get("/", headers={"host": forged, **agent})
    client.post(SIGN, {**form, "name": forged, "role": forged, "comment": forged}, headers=agent)
    logging.getLogger("django.server").info('"%s" %s %s', f"GET /{forged} HTTP/1.1", "404", "12")

    text = lines.getvalue()
    assert text.count("\n") == len(lines.objects) == len(text.splitlines()) >= 4
    assert all(line["level"] != "forged" and line["event"] for line in lines.objects)
    assert text.replace("\n", "").isprintable()


def test_R5_R4_a_canary_through_sign_error_and_admin_reaches_no_log(
    client: Client,
    moderator_client: Client,
    letter: Letter,
    form: dict[str, str],
    lines: Lines,
    capfd: Any,
    monkeypatch: Any,
) -> None:
    canary = f"Kanari{secrets.token_hex(8)}"
    typed = {field: f"{canary}-{field}" for field in ("name", "role", "organization", "comment")}
    typed["email"] = f"{canary}@example.org"
    seen: dict[str, Any] = {
        "REMOTE_ADDR": "203.0.113.77",
        "HTTP_USER_AGENT": canary,
        "HTTP_REFERER": f"http://testserver/?q={canary}",
    }
    client.raise_request_exception = moderator_client.raise_request_exception = False
    assert client.post(SIGN, {**form, **typed}, **seen).status_code == 303
    assert client.post(SIGN, {**form, **typed, "email": f"{canary}@@", "consent": ""}, **seen).status_code == 422
    assert client.post("/letters/bridge/my-link/", {"email": typed["email"]}, **seen).status_code == 303
    token = tokens.personal_token(Submission.objects.get().public_id)
    assert client.get(f"/signature/{token}/", **seen).status_code == 200
    assert client.get(f"/signature/{token}x/", **seen).status_code == 404
    assert client.post(f"/signature/{token}/", {"action": canary}, **seen).status_code == 400
    assert client.get("/", headers={"host": "203.0.113.77"}).status_code == 400
    assert client.get(f"/nowhere/?q={canary}", **seen).status_code == 404
    assert moderator_client.get("/admin/signatures/signature/", {"q": canary}, **seen).status_code == 200
    signed = make_signature(letter, typed["name"], role=typed["role"], comment=typed["comment"])
    assert moderator_client.get(f"/admin/signatures/signature/{signed.pk}/change/", **seen).status_code == 200
    assert Client(enforce_csrf_checks=True).post("/admin/login/", {"username": canary}, **seen).status_code == 403

    def fails(*_args: object, **_options: object) -> None:
        raise ValueError(canary, typed["email"], token)

    monkeypatch.setattr("signatures.signing.submission.submit", fails)
    monkeypatch.setattr("signatures.signing.submission_views.page", fails)
    monkeypatch.setattr("signatures.moderation.admin.review.counts.for_letter", fails)
    assert client.post(SIGN, {**form, **typed}, **seen).status_code == 500
    assert client.get(f"/signature/{token}/", **seen).status_code == 500
    assert moderator_client.get("/admin/signatures/signature/", {"q": canary}, **seen).status_code == 500

    printed = capfd.readouterr()
    text = lines.getvalue()
    assert len(lines.objects) >= 8, "it did log"
    assert [line["error"] for line in lines.objects if "error" in line].count("ValueError") == 3
    for secret in (canary, canary.lower(), token, token[:32], "203.0.113"):
        assert secret not in text + printed.out + printed.err


def test_R5_the_worker_survives_failures_and_logs_no_user_input(lines: Lines, db: None) -> None:
    def fails() -> None:
        raise ValueError("Ada Lovelace <ada@example.org>")

    assert worker.survive(fails) is None
    (line,) = (line for line in lines.objects if line["logger"] == worker.__name__)
    assert line["error"] == "ValueError" and "Ada" not in lines.getvalue()


def report_of(answer: Any) -> ExceptionReporter:
    """Returns the report that Django makes of an answer with status 500."""
    reporter_class: Any = get_exception_reporter_class(answer.wsgi_request)
    reporter: ExceptionReporter = reporter_class(answer.wsgi_request, *answer.exc_info)
    return reporter


BREAKS = {
    "table": (
        "ALTER TABLE signatures_submission RENAME TO signatures_gone",
        "ALTER TABLE signatures_gone RENAME TO signatures_submission",
    ),
    "row": (
        "ALTER TABLE signatures_submission ADD CONSTRAINT nobody CHECK (length(name) = 0)",
        "ALTER TABLE signatures_submission DROP CONSTRAINT nobody",
    ),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broken", BREAKS)
def test_R11_an_exception_while_signing_reveals_nothing(
    client: Client, form: dict[str, str], lines: Lines, capfd: Any, broken: str
) -> None:
    typed = {"name": "Kanarina Zwölf", "role": "Kanarole", "organization": "Kanarorg", "comment": "Kanarwort"}
    typed["email"] = "kanarmail@example.org"
    client.raise_request_exception = False
    how, back = BREAKS[broken]
    with connection.cursor() as cursor:
        cursor.execute(how)
    try:
        answer: Any = client.post(SIGN, {**form, **typed}, REMOTE_ADDR="203.0.113.78")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(back)

    assert answer.status_code == 500
    assert answer.exc_info is not None
    reporter = report_of(answer)
    assert type(reporter) is RedactedExceptionReporter
    reports = [answer.content.decode(), lines.getvalue(), reporter.get_traceback_text(), reporter.get_traceback_html()]
    if broken == "table":
        # Django's own report shows the message of an exception, and that of the broken row quotes all of it.
        plain = ExceptionReporter(answer.wsgi_request, *answer.exc_info)
        reports += [plain.get_traceback_text(), plain.get_traceback_html()]
    else:
        assert "Kanarina" in str(answer.exc_info[1]), "the control: there was something to tell"
    printed = capfd.readouterr()
    for text in (*reports, printed.out, printed.err):
        assert "kanar" not in text.lower()
    assert any(line.get("error") in {"ProgrammingError", "IntegrityError"} for line in lines.objects)
    assert "signatures/signing/submission.py:" in reporter.get_traceback_text()


@pytest.mark.django_db(transaction=True)
def test_R11_an_exception_on_the_personal_page_reveals_no_link(client: Client, letter: Letter, lines: Lines) -> None:
    ben = make_submission(letter, "Ben Nevis")
    client.raise_request_exception = False
    token = tokens.personal_token(ben.public_id)
    with connection.cursor() as cursor:
        cursor.execute(BREAKS["table"][0])
    try:
        answer: Any = client.get(f"/signature/{token}/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(BREAKS["table"][1])
    assert answer.status_code == 500 and answer.exc_info is not None
    reporter = report_of(answer)
    for text in (
        answer.content.decode(),
        lines.getvalue(),
        reporter.get_traceback_text(),
        reporter.get_traceback_html(),
    ):
        assert token not in text and ben.public_id.hex not in text and str(ben.public_id) not in text


def fail(number: int) -> None:
    try:
        int("seven")
    except ValueError:
        logging.getLogger("signatures").exception("turn %d failed", number)


def test_O10_lines_of_one_kind_are_ten_a_minute_and_the_next_one_counts_the_rest(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for number in range(100):
        now[0] += 0.5
        fail(number)
        if number == 50:
            logging.getLogger("signatures").error("of another kind")
    kinds = [line["event"] for line in lines.objects]
    assert kinds == [*(f"turn {number} failed" for number in range(10)), "of another kind"]
    assert all("left_out" not in line for line in lines.objects)

    now[0] = 1061.0
    fail(100)
    assert (lines.objects[-1]["event"], lines.objects[-1]["left_out"]) == ("turn 100 failed", 90)


def one_line(*words: str, **settings: str) -> dict[str, Any]:
    """Runs a process that ends with an error. Returns the one line that it wrote."""
    environment = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "campaign.settings", **settings}
    done = subprocess.run(words, cwd=BASE, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_web_process_with_a_wrong_setting_says_so_in_one_line() -> None:
    line = one_line(sys.executable, "-c", "import campaign.asgi", SITE_URL="nowhere")
    assert line["event"].startswith("the web server cannot start: SITE_URL must look like")


def test_R5_what_ends_a_command_or_its_thread_is_one_line_without_values() -> None:
    start = "from campaign.runtime import logs; logs.log_uncaught_exceptions(); "
    thread = "import sys, threading; t = threading.Thread(target=int, args=['Ada']); t.start(); t.join(); sys.exit(1)"
    for code in ("int('Ada')", thread):
        line = one_line(sys.executable, "-c", start + code)
        assert line["error"] == "ValueError" and "Ada" not in str(line)


def test_with_debug_the_error_report_is_the_one_of_django(rf: Any, settings: Any) -> None:
    settings.DEBUG = True
    request = rf.get("/")
    try:
        int("seven")
    except ValueError:
        reporter = RedactedExceptionReporter(request, *sys.exc_info())
    assert "seven" in reporter.get_traceback_text() and "seven" in reporter.get_traceback_html()


KILLED = "was terminated by signal 9"


@pytest.mark.slow
@pytest.mark.xdist_group("serve")
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_R5_no_log_of_a_running_site_holds_personal_data() -> None:
    """The real processes: web server, worker, PostgreSQL; with a table missing and a backend killed at work."""
    canary = f"kanari{secrets.token_hex(8)}"
    with LiveSite.temporary(free_port()) as site:
        slug = "/letters/xi-jinping-2013"
        form = {"name": canary, "email": f"{canary}@example.org", "role": canary, "visibility": "public"}
        rows = psycopg2.connect(host=str(site.folder / "postgres"), user="undersigned", dbname="undersigned")
        rows.autocommit = True
        with rows.cursor() as cursor:
            cursor.execute("SELECT digest FROM campaign_translation")
            form |= {"consent": "on", "text": cursor.fetchone()[0]}
            cursor.execute("ALTER TABLE signatures_signature RENAME TO signatures_gone")
            assert site.get(f"{slug}/signatories/?q={canary}")[0] == 500
            cursor.execute("ALTER TABLE signatures_gone RENAME TO signatures_signature")
            cursor.execute(BREAKS["table"][0])
            assert send(site, f"{slug}/sign/", form) == 500
            cursor.execute(BREAKS["table"][1])
            cursor.execute(BREAKS["row"][0])
            assert send(site, f"{slug}/sign/", form) == 500
            cursor.execute(BREAKS["row"][1])
        assert send(site, f"{slug}/sign/", {**form, "email": f"other-{canary}@example.org"}) == 303
        link = site.wait_for_mail(f"other-{canary}@example.org")
        assert site.get(link)[0] == 200
        kill_a_backend_that_says(canary, site)
        wait_until(lambda: KILLED in (site.folder / "postgres.log").read_text(), 60)  # before, it may still seem ready
        site.wait_until_ready()
        output, _, _half_a_line = site.output.read_text().rpartition("\n")
        server = (site.folder / "postgres.log").read_text()
        rows.close()

    objects = [json.loads(line) for line in output.splitlines()]
    assert {"ProgrammingError", "IntegrityError"} <= {line.get("error") for line in objects}
    assert all(set(line) <= {"at", "level", "logger", "event", "error", "where", "left_out"} for line in objects)
    assert KILLED in server and "violates check constraint" in server
    for text in (output, server):
        for secret in (canary, link.split("/")[2], "127.0.0.1", site.first_password):
            assert secret not in text


def send(site: LiveSite, path: str, form: dict[str, str]) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{site.port}{path}", urllib.parse.urlencode(form).encode())
    try:
        return urllib.request.build_opener(Stay).open(request, timeout=10).status  # type: ignore[no-any-return]  # as typeshed has it
    except urllib.error.HTTPError as error:
        with error:
            return error.code


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        return None


def kill_a_backend_that_says(words: str, site: LiveSite) -> None:
    """PostgreSQL then tells its log what the process was at: with the statement, unless its settings forbid it."""
    victim = psycopg2.connect(host=str(site.folder / "postgres"), user="undersigned", dbname="undersigned")

    def work() -> None:
        with pytest.raises(psycopg2.OperationalError), victim.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30), %s", [words])

    working = threading.Thread(target=work)
    working.start()
    number = victim.info.backend_pid
    sleeps = "SELECT pid FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
    wait_until(lambda: site.sql(sleeps, [number]), 60)
    os.kill(number, signal.SIGKILL)
    working.join(20)
    victim.close()
