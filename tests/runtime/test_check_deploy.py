"""`check --deploy` on a site with the settings of the open web: it passes the good one, and none of the broken ones.

The site is served for real, behind nginx with TLS, on a database of its own, with a real email server.
"""

import contextlib
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from nacl.public import PrivateKey

from campaign.runtime import session_limits
from campaign.web import arrival, health
from signatures import pepper
from signatures.models import PepperFingerprint
from tests.docs.pages import page
from tests.inbox import Inbox
from tests.live_site import LiveSite, free_port
from tests.pooler import Pooler
from tests.prepared import BASE, MIGRATED
from tests.proxies import program, running

pytestmark = pytest.mark.xdist_group("check-deploy")

HOST = "proxy_set_header Host $http_host;"
CHAIN = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
SCHEME = "proxy_set_header X-Forwarded-Proto $scheme;"
# How a proxy passes requests on: a good one, and those that are not.
PROXIES = {
    "good": [HOST, CHAIN, SCHEME],
    "drops the scheme": [HOST, CHAIN],
    "drops the host": [CHAIN, SCHEME],
    "drops the visitor": [HOST, SCHEME],
    "believes visitors": [HOST, CHAIN, "proxy_set_header X-Forwarded-Proto $told;"],
    "one of two": [HOST, CHAIN, SCHEME],
    "redirects": ["return 301 https://letter.example.com$request_uri;"],
    "another site": ["return 200 hello;"],
}


@dataclass(frozen=True)
class Deployment:
    """A served site behind its proxies.

    Attributes:
        environment: of its worker.
        ports: of the proxies, by name.
        inbox: what its email server got.
    """

    environment: dict[str, str]
    ports: dict[str, int]
    inbox: Inbox

    def check(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Checks the site as an operator does whose environment differs in this."""
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING", *words]
        environment = self.environment | changes
        return subprocess.run(
            command, cwd=BASE, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def database(self, user: str = "undersigned", name: str = "deployed") -> str:
        return f"postgres://{user}@/{name}?host={settings.POSTGRES_DIR}"


@contextlib.contextmanager
def cursor(name: str) -> Iterator[Any]:
    connection = psycopg2.connect(host=str(settings.POSTGRES_DIR), user="undersigned", dbname=name)
    connection.autocommit = True
    try:
        with connection.cursor() as statements:
            yield statements
    finally:
        connection.close()


@contextlib.contextmanager
def proxies(folder: Path, site: int) -> Iterator[dict[str, int]]:
    """Each of `PROXIES`, with a certificate for localhost, in one nginx."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-out", str(folder / "certificate.pem"), "-keyout", str(folder / "key.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *made]
    subprocess.run(command, check=True, capture_output=True)
    ports, inner = {name: free_port() for name in PROXIES}, free_port()
    repeated = f"{HOST} {CHAIN} proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;"
    servers = [
        f"server {{ listen 127.0.0.1:{inner}; location / {{ proxy_pass http://127.0.0.1:{site}; {repeated} }} }}"
    ]
    for name, lines in PROXIES.items():
        target = inner if name == "one of two" else site
        passing = "" if "return" in lines[0] else f"proxy_pass http://127.0.0.1:{target};"
        servers.append(
            f"server {{ listen 127.0.0.1:{ports[name]} ssl; ssl_certificate {made[1]}; ssl_certificate_key {made[3]}; "
            f"location / {{ {passing} {' '.join(lines)} }} }}"
        )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    told = 'map $http_x_forwarded_proto $told { "" $scheme; default $http_x_forwarded_proto; }'
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{told}\n" + "\n".join(servers) + "\n}\n"
    )
    command = [program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, ports["good"], folder / "output.log"):
        yield ports


@contextlib.contextmanager
def email_server(inbox: Inbox) -> Iterator[int]:
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


@pytest.fixture(scope="module")
def deployment(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder, port, key = tmp_path_factory.mktemp("deployment"), free_port(), PrivateKey.generate()
    (folder / "outbox.private").write_text(bytes(key).hex() + "\n")
    (folder / "outbox.private").chmod(0o600)
    with cursor("postgres") as statements:
        statements.execute("DROP DATABASE IF EXISTS deployed WITH (FORCE)")
        statements.execute(f"CREATE DATABASE deployed TEMPLATE {MIGRATED}")
    inbox = Inbox()
    with email_server(inbox) as smtp, proxies(folder, port) as ports:
        deployment = Deployment({}, ports, inbox)
        own: dict[str, Any] = {
            "LOCAL": "",
            "SITE_URL": f"https://localhost:{ports['good']}",
            "DATABASE_URL": deployment.database(),
            "EMAIL_URL": f"smtp://127.0.0.1:{smtp}",
            "DEFAULT_FROM_EMAIL": "letter@example.org",
            "SECRET_KEY": secrets.token_hex(32),
            "EMAIL_HASH_PEPPER": secrets.token_hex(32),
            "OUTBOX_PUBLIC_KEY": bytes(key.public_key).hex(),
            "OUTBOX_PRIVATE_KEY_FILE": str(folder / "outbox.private"),
            "UPDATES_PUBLIC_KEY": bytes(PrivateKey.generate().public_key).hex(),
            "ORGANIZATION_NAME": "Bridges",
            "CONTACT_EMAIL": "privacy@example.org",
            "TRUSTED_PROXIES": "1",
            "COUNT_STEP_MINUTES": "5",
        }
        with LiveSite.temporary(port, **own) as site:
            trusted = {"SSL_CERT_FILE": str(folder / "certificate.pem")}
            deployment.environment.update(site.environment | trusted)
            yield deployment
    with cursor("postgres") as statements:
        statements.execute("DROP DATABASE deployed WITH (FORCE)")


@pytest.fixture
def mended(deployment: Deployment) -> Iterator[Deployment]:
    """The good site. Whatever a test did to it is undone."""
    yield deployment
    deployment.inbox.answer = "250 OK"


def test_O22_a_good_site_passes_and_a_test_email_arrives(deployment: Deployment) -> None:
    done = deployment.check("--to", "operator@example.org")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("System check identified no issues")
    assert deployment.inbox.recipients[-1] == "operator@example.org"


def test_a_good_site_passes_with_the_settings_of_its_web_server_alone(deployment: Deployment) -> None:
    done = deployment.check("--to", "operator@example.org", OUTBOX_PRIVATE_KEY_FILE="")
    assert done.returncode == 0, done.stderr


def test_a_good_site_passes_with_the_limited_role_of_the_manual(
    deployment: Deployment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (grants,) = re.findall(r"```sql\n(CREATE ROLE undersigned_site.*?)```", page("operate/go-live.md"), re.DOTALL)
    _create, *grants = (line for line in grants.replace("undersigned_site", "documented").split(";") if line.strip())
    done = deployment.check("--to", "x@example.org", **role("documented", *grants)(deployment, tmp_path, request))
    assert done.returncode == 0, done.stderr


def test_without_an_address_no_email_is_sent(deployment: Deployment) -> None:
    before = len(deployment.inbox)
    done = deployment.check()
    assert done.returncode == 0
    assert "No test email was sent." in done.stderr
    assert len(deployment.inbox) == before


Break = Callable[[Deployment, Path, pytest.FixtureRequest], dict[str, str]]


def leads_to(name: str) -> Break:
    return lambda site, _folder, _request: {"SITE_URL": f"https://localhost:{site.ports[name]}"}


def with_setting(name: str, value: Callable[[], str]) -> Break:
    return lambda _site, _folder, _request: {name: value()}


def another_database(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    return {"DATABASE_URL": site.database(name="nowhere")}


def role(name: str, *more: str) -> Break:
    """A role of the database with these rights, on a site that runs with a better one."""

    def make(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
        request.addfinalizer(lambda: execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}"))
        execute(f"CREATE ROLE {name} LOGIN", f"GRANT USAGE ON SCHEMA public TO {name}", *more)
        return {"DATABASE_URL": site.database(user=name)}

    return make


def execute(*statements: str) -> None:
    with cursor("deployed") as database:
        for statement in statements:
            database.execute(statement)


def missing_migration(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    with cursor("deployed") as statements:
        newest = "SELECT max(name) FROM django_migrations WHERE app = 'signatures'"
        statements.execute(
            f"DELETE FROM django_migrations WHERE app = 'signatures' AND name = ({newest}) RETURNING app, name"
        )
        (row,) = statements.fetchall()

    def put_back() -> None:
        with cursor("deployed") as statements:
            statements.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", row)
        time.sleep(health.KEPT_SECONDS)  # then no web process has the former answer any more

    request.addfinalizer(put_back)
    return {}


def refusing_relay(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    site.inbox.answer, site.inbox.answer_at = "550 5.7.1 relay denied", "rcpt"
    return {}


def open_folder(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    folder.chmod(0o755)
    return {"VAR_DIR": str(folder)}


def readable_key(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    key = folder / "outbox.private"
    key.write_text(Path(site.environment["OUTBOX_PRIVATE_KEY_FILE"]).read_text())
    key.chmod(0o644)
    return {"OUTBOX_PRIVATE_KEY_FILE": str(key)}


def pooled(*, limits: str = "", to: str = "deployed", is_running: bool = True) -> Break:
    """The web server's address is that of a pooler before this database, whose sessions have these limits."""

    def make(site: Deployment, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
        folder.chmod(0o755)
        pooler = Pooler(folder / "pooler", (str(settings.POSTGRES_DIR), 5432), to=to, each_session=limits)
        if is_running:
            pooler.start()
            request.addfinalizer(pooler.stop)
        return {"DATABASE_URL": pooler.url, "DIRECT_DATABASE_URL": site.database()}

    return make


LIMITS = "".join(f"SET {name} = 1000; " for name in session_limits.TIMEOUTS)


def test_O22_a_good_site_passes_behind_a_pooler(
    deployment: Deployment, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    done = deployment.check("--to", "x@example.org", **pooled(limits=LIMITS)(deployment, tmp_path, request))
    assert done.returncode == 0, done.stderr


TABLES = "ON ALL TABLES IN SCHEMA public TO"
ALL = f"GRANT SELECT, INSERT, UPDATE, DELETE {TABLES}"
BROKEN: dict[str, tuple[Break, str]] = {
    "another database": (another_database, 'The database cannot be reached: .*database "nowhere" does not exist'),
    "a database that is off": (
        with_setting("DATABASE_URL", lambda: f"postgres://u@127.0.0.1:{free_port()}/x"),
        "The database cannot be reached: .*Connection refused",
    ),
    "a pooler that is off": (
        pooled(is_running=False),
        "The server of DATABASE_URL cannot be reached: .*Connection refused",
    ),
    "a pooler without limits": (
        pooled(),
        "The sessions of DATABASE_URL have no limit of waiting: idle_in.*, lock_timeout, statement_timeout are 0",
    ),
    "a pooler before another database": (
        pooled(limits=LIMITS, to="postgres"),
        "DATABASE_URL leads to another database than the one of the worker.",
    ),
    "a replica that is off": (
        with_setting("REPLICA_URL", lambda: f"postgres://u@127.0.0.1:{free_port()}/x"),
        "The server of REPLICA_URL cannot be reached: .*Connection refused",
    ),
    "a replica that is none": (
        lambda site, _folder, _request: {"REPLICA_URL": site.database()},
        "REPLICA_URL leads to no replica",
    ),
    "a web server that is not ready": (missing_migration, "The web server says of itself: Migrations are missing."),
    "a role that only reads": (
        role("reader", f"GRANT SELECT {TABLES} reader"),
        "The role of the database may not read and add to auth_group, .* more",
    ),
    "a role whose transactions only read": (
        role("unwriting", f"{ALL} unwriting", "ALTER ROLE unwriting SET default_transaction_read_only = on"),
        "The database takes no writes.",
    ),
    "a role without the sequence": (
        role("unnumbered", f"{ALL} unnumbered"),
        "Nobody can sign: permission denied for sequence",
    ),
    "a migration that is missing": (missing_migration, "Migrations are missing."),
    "a relay that refuses": (refusing_relay, "The email service failed: 550 5.7.1 relay denied."),
    "a relay that is off": (
        with_setting("EMAIL_URL", lambda: f"smtp://127.0.0.1:{free_port()}"),
        "The email service failed: .*Connection refused",
    ),
    "a folder that cannot be written": (with_setting("DELIVERIES_DIR", lambda: "/proc"), "/proc cannot be written"),
    "a folder that is not there": (
        with_setting("VAR_DIR", lambda: "/nowhere"),
        "There is no folder VAR_DIR",
    ),
    "a folder for everybody": (open_folder, "Others on this machine can enter VAR_DIR."),
    "a key for everybody": (readable_key, "Others on this machine can read OUTBOX_PRIVATE_KEY_FILE."),
    "keys that do not fit": (
        with_setting("OUTBOX_PUBLIC_KEY", lambda: bytes(PrivateKey.generate().public_key).hex()),
        "OUTBOX_PRIVATE_KEY_FILE lacks the private half",
    ),
    "another pepper": (
        with_setting("EMAIL_HASH_PEPPER", lambda: secrets.token_hex(32)),
        "EMAIL_HASH_PEPPER is not that of this database",
    ),
    "one proxy more": (leads_to("one of two"), "arrives with 2 hops, but TRUSTED_PROXIES is 1"),
    "one proxy less": (leads_to("drops the visitor"), "arrives with 0 hops, but TRUSTED_PROXIES is 1"),
    "a proxy that drops the scheme": (leads_to("drops the scheme"), "does not say that visitors come by https"),
    "a proxy that drops the host": (leads_to("drops the host"), r"arrive as those of 127\.0\.0\.1"),
    "a proxy that believes visitors": (leads_to("believes visitors"), "believes what visitors say of themselves"),
    "an address that leads elsewhere": (leads_to("redirects"), "leads elsewhere, to https://letter.example.com/"),
    "the address of another site": (
        leads_to("another site"),
        r"What answers at SITE_URL \(with 200\) is not this site",
    ),
    "a site with another key": (
        with_setting("SECRET_KEY", lambda: secrets.token_hex(32)),
        r"What answers at SITE_URL \(with 404\) is not this site with this SECRET_KEY",
    ),
    "an address where nothing is": (
        with_setting("SITE_URL", lambda: f"https://localhost:{free_port()}"),
        "SITE_URL does not answer: .*Connection refused",
    ),
    "a certificate that nobody trusts": (
        with_setting("SSL_CERT_FILE", lambda: "/dev/null"),
        "SITE_URL does not answer: .*certificate verify failed",
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_O22_no_broken_site_passes(
    mended: Deployment, tmp_path: Path, request: pytest.FixtureRequest, broken: str
) -> None:
    make, sentence = BROKEN[broken]
    done = mended.check("--to", "operator@example.org", **make(mended, tmp_path, request))
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert re.search(sentence, done.stderr), done.stderr


def test_O12_another_pepper_stops_the_start_with_one_sentence(deployment: Deployment) -> None:
    for command in ("serve", "worker"):
        changes = {
            "EMAIL_HASH_PEPPER": secrets.token_hex(32),
            "VAR_DIR": str(Path(deployment.environment["VAR_DIR"]) / command),
        }
        done = subprocess.run(
            [sys.executable, "manage.py", command], cwd=BASE, env=deployment.environment | changes,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "EMAIL_HASH_PEPPER is not that of this database" in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.django_db
def test_O12_the_first_pepper_is_kept_and_no_other_one_is_taken(settings: Any) -> None:
    PepperFingerprint.objects.all().delete()
    pepper.keep_fingerprint()
    pepper.keep_fingerprint()
    settings.EMAIL_HASH_PEPPER = "another" * 8
    with pytest.raises(ImproperlyConfigured, match="nobody would find their signature again"):
        pepper.keep_fingerprint()


@pytest.mark.django_db
def test_O22_strangers_learn_nothing_of_the_proxies(client: Client, settings: Any) -> None:
    for query in ({}, {"question": ""}, {"question": "x:y:z"}, {"question": signing.dumps("x", salt="another")}):
        answer = client.get(arrival.PATH, query)
        assert answer.status_code == 404
        assert answer.content.replace(b"/arrival", b"/nowhere") == client.get("/nowhere", query).content
    answer = client.get(arrival.PATH, {"question": signing.dumps("nonce", salt=arrival.QUESTION)})
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
