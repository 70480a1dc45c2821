"""Settings: a wrong one stops the start with one sentence; a public site needs all its secrets."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from campaign.runtime import environment
from tests.prepared import BASE

KEY = "ab" * 32
PRODUCTION = {
    "SITE_URL": "https://letter.example.org",
    "DATABASE_URL": "postgres://u:p@db.example.org/letter",
    "EMAIL_URL": "smtps://u:p@mail.example.org",
    "DEFAULT_FROM_EMAIL": "letter@example.org",
    "SECRET_KEY": "x7#" + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
    "EMAIL_HASH_PEPPER": "0123456789abcdefghijklmnopqrstuvwxyz",
    "OUTBOX_PUBLIC_KEY": KEY,
    "UPDATES_PUBLIC_KEY": KEY,
    "ORGANIZATION_NAME": "Bridges",
    "CONTACT_EMAIL": "privacy@example.org",
}

LOCAL = {"LOCAL": "True"}


def kept_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def start(folder: Path, base: Path = BASE, /, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**kept_environment(), "VAR_DIR": str(folder), **settings}
    command = (
        [sys.executable, "manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING"]
        if "SITE_URL" in settings
        else [sys.executable, "manage.py", "check"]
    )
    return subprocess.run(command, cwd=base, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_local_mode_needs_no_setting(tmp_path: Path) -> None:
    done = start(tmp_path / "v")
    assert done.returncode == 0, done.stderr
    for name in ("secret_key", "email_hash_pepper", "outbox.private", "updates.private", "delivery.private"):
        assert (tmp_path / "v" / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "v" / "keys").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_O15_one_setting_makes_it_no_local_mode(tmp_path: Path, name: str) -> None:
    """As if the other settings were in a file that went astray."""
    done = start(tmp_path / "v", **{name: PRODUCTION[name]})
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "v").exists(), "it makes itself nothing"


def test_O15_the_folder_of_a_public_site_without_its_settings_is_no_local_mode(tmp_path: Path) -> None:
    (tmp_path / "v" / "static").mkdir(parents=True)
    done = start(tmp_path / "v")
    assert done.returncode != 0
    assert "is that of a public site: give its settings, or LOCAL=True." in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert [entry.name for entry in (tmp_path / "v").iterdir()] == ["static"]


@pytest.mark.slow
def test_plain_http_on_this_machine_says_that_it_is_local_mode(tmp_path: Path) -> None:
    start(tmp_path / "v", SITE_URL="http://localhost:8001", EMAIL_URL="smtp://127.0.0.1:2525")
    assert (tmp_path / "v" / "keys").is_dir()
    refused = start(tmp_path / "w", SITE_URL="http://localhost:8001", EMAIL_URL="smtps://mail.example.org")
    assert "EMAIL_URL points to another machine" in refused.stderr
    start(tmp_path / "x", **{**PRODUCTION, "SITE_URL": "https://localhost:8443"})
    assert not (tmp_path / "x").exists(), "a public site behind a proxy on this machine"


def test_the_direct_address_is_for_all_but_the_web_server_and_gives_way_to_one_given_for_a_call(tmp_path: Path) -> None:
    urls = {"DATABASE_URL": "postgres://u@pooler/x", "DIRECT_DATABASE_URL": "postgres://u@server/x"}
    (tmp_path / ".env").write_text("".join(f"{name}={url}\n" for name, url in (PRODUCTION | urls).items()))
    shutil.copytree(BASE / "campaign", tmp_path / "campaign")

    def host(**given: str) -> str:
        code = "from campaign import settings; print(settings.DATABASES['default']['HOST'])"
        environment = kept_environment() | {"VAR_DIR": str(tmp_path / "v")} | given
        command = [sys.executable, "-c", code]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    assert host() == "server\n"
    assert host(DIRECT_DATABASE_URL="") == "pooler\n", "as `serve` starts the web server"
    assert host(DATABASE_URL="postgres://owner@other/x") == "other\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["serve.log", "mail"])
def test_what_somebody_else_puts_into_the_folder_makes_it_no_public_site(tmp_path: Path, name: str) -> None:
    (tmp_path / "v" / name).mkdir(parents=True)
    assert start(tmp_path / "v").returncode == 0


@pytest.mark.slow
def test_a_site_in_local_mode_starts_again_without_a_setting(tmp_path: Path) -> None:
    for _each in range(2):
        assert start(tmp_path / "v").returncode == 0


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project, which may have a `.env` of its own."""
    for name in ("campaign", "signatures"):
        shutil.copytree(BASE / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(BASE / "static" / "img", tmp_path / "copy" / "static" / "img")
    shutil.copy(BASE / "manage.py", tmp_path / "copy")
    return tmp_path / "copy"


def test_settings_come_from_the_file_and_the_environment_goes_before_it(checkout: Path) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in PRODUCTION.items())
    (checkout / ".env").write_text(f"# of a test\n\n{lines}export TRUSTED_PROXIES=1\n")
    assert start(checkout / "v", checkout).returncode == 0
    assert not (checkout / "v").exists(), "it is production"
    assert "DEBUG must be False" in start(checkout / "v", checkout, DEBUG="True").stderr


@pytest.mark.parametrize("wrong", ["link to nothing", "folder", "not UTF-8", "no setting", "of another user"])
def test_O15_a_file_of_settings_that_cannot_be_read_stops_the_start(checkout: Path, wrong: str) -> None:
    file = checkout / ".env"
    if wrong == "link to nothing":
        file.symlink_to(checkout / "nowhere")
    elif wrong == "folder":
        file.mkdir()
    else:
        line = {"not UTF-8": b"SITE_URL=\xff\n", "no setting": b"# SITE_URL=\nSITE_URL: https://x.example\n"}
        file.write_bytes(line.get(wrong, b"SITE_URL=https://x.example\n"))
    if wrong == "of another user":
        file.chmod(0)
        with as_ordinary_user(), pytest.raises(ImproperlyConfigured, match="cannot be read: Permission denied"):
            environment.read_file(file)
        return
    done = start(checkout / "v", checkout)
    assert done.returncode != 0
    assert str(file) in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (checkout / "v").exists(), "no keys and no database of its own"


@pytest.mark.slow
def test_the_worker_has_settings_of_its_own_beside_those_of_both(checkout: Path) -> None:
    own = checkout / "worker.env"
    lines = {name: value for name, value in PRODUCTION.items() if name != "EMAIL_URL"}
    (checkout / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    done = start(checkout / "v", checkout, SITE_URL=PRODUCTION["SITE_URL"])
    assert "Emails are written to files" in done.stderr, "without that file"
    own.write_text(f"EMAIL_URL={PRODUCTION['EMAIL_URL']}\n")
    done = start(checkout / "v", checkout, SITE_URL=PRODUCTION["SITE_URL"], WORKER_SETTINGS_FILE=str(own))
    assert done.returncode == 0, done.stderr


def test_O15_a_worker_without_its_settings_does_not_start(checkout: Path) -> None:
    (checkout / ".env").write_text("".join(f"{name}={value}\n" for name, value in PRODUCTION.items()))
    own = checkout / "worker.env"
    done = start(checkout / "v", checkout, WORKER_SETTINGS_FILE=str(own))
    assert done.returncode != 0, "it would write emails to files that nobody gets"
    assert done.stderr == f"There is no {own}: `init --overwrite` makes it.\n"


@contextlib.contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Gives up the rights of root, if there are any."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def test_production_with_all_its_settings_passes_the_deployment_check(tmp_path: Path) -> None:
    done = start(tmp_path / "v", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "v" / "keys").exists(), "nothing is made up in production"


def headers_of(folder: Path, **settings: str) -> str:
    """Returns the HSTS header of a site with these settings."""
    code = (
        "import django; django.setup(); from django.middleware.security import SecurityMiddleware as M;"
        "from django.http import HttpRequest, HttpResponse; request = HttpRequest(); request.META['HTTP_HOST'] = 'letter.example.org';"
        "request.META['wsgi.url_scheme'] = 'https'; request.is_secure = lambda: True;"
        "print(M(lambda _request: HttpResponse())(request)['Strict-Transport-Security'])"
    )
    environment = {
        **kept_environment(),
        "DJANGO_SETTINGS_MODULE": "campaign.settings",
        "VAR_DIR": str(folder),
        **settings,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BASE, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_subdomains_and_preload_are_for_the_operator_to_choose(tmp_path: Path) -> None:
    both = {"HSTS_INCLUDE_SUBDOMAINS": "True", "HSTS_PRELOAD": "True"}
    assert headers_of(tmp_path, **PRODUCTION) == "max-age=31536000"
    assert headers_of(tmp_path, **PRODUCTION, **both) == "max-age=31536000; includeSubDomains; preload"
    assert "HSTS_PRELOAD needs HSTS_INCLUDE_SUBDOMAINS" in headers_of(tmp_path, **PRODUCTION, HSTS_PRELOAD="True")


@pytest.mark.slow
@pytest.mark.parametrize(
    "url", ["https://hooks.example.org/x", "slack+http://hooks.example.org/x", "irc+https://x.org", "ntfy+https://"]
)
def test_a_webhook_says_its_shape_and_is_encrypted(tmp_path: Path, url: str) -> None:
    done = start(tmp_path / "v", **PRODUCTION, ALARM_WEBHOOK_URL=url)
    assert done.returncode != 0
    assert "ALARM_WEBHOOK_URL must begin with slack+https:// or ntfy+https://." in done.stderr
    ntfy = "ntfy+https://ntfy.example.org/topic"
    assert start(tmp_path / "v", **PRODUCTION, ALARM_WEBHOOK_URL=ntfy).returncode == 0
    assert "points to another machine" in start(tmp_path / "v", **LOCAL, ALARM_WEBHOOK_URL=ntfy).stderr


def test_a_token_for_the_metrics_must_be_long_and_random(tmp_path: Path) -> None:
    done = start(tmp_path / "v", **LOCAL, METRICS_TOKEN="short")
    assert done.returncode != 0
    assert "METRICS_TOKEN must be at least 32 random characters." in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "EMAIL_HASH_PEPPER",
        "OUTBOX_PUBLIC_KEY",
        "UPDATES_PUBLIC_KEY",
        "ORGANIZATION_NAME",
        "CONTACT_EMAIL",
        "DEFAULT_FROM_EMAIL",
    ],
)
def test_O12_production_without_a_secret_does_not_start(tmp_path: Path, name: str) -> None:
    done = start(tmp_path, **{**PRODUCTION, name: ""})
    assert done.returncode != 0
    assert name in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"VAR_DIR": "/tmp/" + "x" * 90}, "VAR_DIR must be at most 80 characters long"),  # noqa: S108  never created
        ({"DEBUG": "yes"}, "DEBUG must be True or False, not 'yes'."),
        ({**LOCAL, "COUNT_STEP_MINUTES": "61"}, "COUNT_STEP_MINUTES must be from 1 to 60"),
        ({**PRODUCTION, "COUNT_STEP_MINUTES": "0"}, "COUNT_STEP_MINUTES must be from 1 to 60"),
        ({**LOCAL, "TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES must be a whole number"),
        ({"SITE_URL": "letter.example.org"}, "SITE_URL must look like"),
        ({"SITE_URL": "http://letter.example.org"}, "must begin with https://"),
        ({**PRODUCTION, "DEBUG": "True"}, "DEBUG must be False"),
        ({**PRODUCTION, "SECRET_KEY": "changeme" * 8}, "SECRET_KEY must be at least 32 random characters."),
        ({**PRODUCTION, "OUTBOX_PUBLIC_KEY": "nokey"}, "OUTBOX_PUBLIC_KEY must be a Curve25519 public key"),
        ({**LOCAL, "EMAIL_URL": "http://localhost"}, "EMAIL_URL must look like"),
        ({**LOCAL, "EMAIL_WEBHOOK_SECRET": "else:" + "x1" * 20}, "EMAIL_WEBHOOK_SECRET must look like"),
        ({**LOCAL, "EMAIL_WEBHOOK_SECRET": "postmark:short"}, "EMAIL_WEBHOOK_SECRET must look like"),
        ({**LOCAL, "DATABASE_URL": "sqlite:///x"}, "DATABASE_URL must begin with postgres://."),
        ({**LOCAL, "DATABASE_URL": "postgres://localhost:many/x"}, "DATABASE_URL has a port that is none."),
        ({**LOCAL, "ALLOWED_HOSTS": "letter.example.org"}, "(LOCAL=True), but ALLOWED_HOSTS holds letter.example.org"),
        ({**LOCAL, "SITE_URL": "https://letter.example.org"}, "(LOCAL=True), but SITE_URL points to another machine"),
        ({**LOCAL, "EMAIL_URL": "smtp://mail.example.org"}, "(LOCAL=True), but EMAIL_URL points to another machine"),
        ({**LOCAL, "DATABASE_URL": "postgres://db/x"}, "(LOCAL=True), but DATABASE_URL points to another machine"),
        ({**LOCAL, "DATABASE_URL": "postgres://localhost:1,db:2/x"}, "but DATABASE_URL points to another machine"),
        ({**LOCAL, "DATABASE_URL": "postgres:///x?host=db"}, "but DATABASE_URL points to another machine"),
        ({**LOCAL, "DATABASE_URL": "postgres:///x?host=/run,db"}, "but DATABASE_URL points to another machine"),
        (
            {**LOCAL, "DATABASE_URL": "postgres://localhost/x?hostaddr=192.0.2.1"},
            "DATABASE_URL points to another machine",
        ),
        ({**LOCAL, "REPLICA_URL": "postgres:///x?service=prod"}, "but REPLICA_URL points to another machine"),
        ({**LOCAL, "DATABASE_URL": "postgres://localhost:1,localhost:x/x"}, "DATABASE_URL has a port that is none."),
        ({**LOCAL, "REPLICA_URL": "sqlite:///x"}, "REPLICA_URL must begin with postgres://."),
        (
            {**LOCAL, "TIMESTAMP_CERTIFICATE_FILE": "/nowhere"},
            "TIMESTAMP_CERTIFICATE_FILE cannot be read: No such file",
        ),
        (
            {**PRODUCTION, "DEFAULT_FROM_EMAIL": "Committee, HRNK <a@example.org>"},
            "DEFAULT_FROM_EMAIL must be an email",
        ),
        ({**PRODUCTION, "DEFAULT_FROM_EMAIL": "letter"}, "DEFAULT_FROM_EMAIL must be an email address such as"),
        ({**PRODUCTION, "DEFAULT_FROM_EMAIL": "a@bücher.example"}, "DEFAULT_FROM_EMAIL must be an email address such"),
        ({**LOCAL, "CONTACT_EMAIL": "https://example.org"}, "CONTACT_EMAIL must be an email address such as"),
        ({**LOCAL, "TIMESTAMP_CERTIFICATE_FILE": "README.md"}, "TIMESTAMP_CERTIFICATE_FILE must be a file with"),
        ({**LOCAL, "TRUSTED_PROXIES": "1"}, "(LOCAL=True), but TRUSTED_PROXIES says there is a proxy"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    done = start(tmp_path / "v", **settings) if "VAR_DIR" not in settings else start(Path(settings["VAR_DIR"]))
    assert done.returncode != 0
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_check_deploy_warns_about_local_settings(tmp_path: Path) -> None:
    done = start(tmp_path, **{**PRODUCTION, "DATABASE_URL": "", "EMAIL_URL": "", "ALLOWED_HOSTS": "other.example.org"})
    assert done.returncode != 0
    for code in ("campaign.W002", "campaign.W003", "campaign.W004"):
        assert code in done.stderr


def test_importing_the_settings_starts_no_database(tmp_path: Path) -> None:
    start(tmp_path / "v")
    assert not (tmp_path / "v" / "postgres").exists()
