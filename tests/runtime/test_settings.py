"""Settings: a wrong one stops the start with one sentence; a public site needs all its secrets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live_site import BASE

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


def kept_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**kept_environment(), "VAR_DIR": str(folder), **settings}
    command = (
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        if "SITE_URL" in settings
        else [sys.executable, "manage.py", "check"]
    )
    return subprocess.run(command, cwd=BASE, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_local_mode_needs_no_setting(tmp_path: Path) -> None:
    done = start(tmp_path / "v")
    assert done.returncode == 0, done.stderr
    for name in ("secret_key", "email_hash_pepper", "outbox.private", "updates.private"):
        assert (tmp_path / "v" / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "v" / "keys").stat().st_mode & 0o777 == 0o700


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


def test_subdomains_and_preload_are_for_the_operator_to_choose(tmp_path: Path) -> None:
    both = {"HSTS_INCLUDE_SUBDOMAINS": "True", "HSTS_PRELOAD": "True"}
    assert headers_of(tmp_path, **PRODUCTION) == "max-age=31536000"
    assert headers_of(tmp_path, **PRODUCTION, **both) == "max-age=31536000; includeSubDomains; preload"
    assert "HSTS_PRELOAD needs HSTS_INCLUDE_SUBDOMAINS" in headers_of(tmp_path, **PRODUCTION, HSTS_PRELOAD="True")


def test_a_token_for_the_metrics_must_be_long_and_random(tmp_path: Path) -> None:
    done = start(tmp_path / "v", METRICS_TOKEN="short")
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
        ({"COUNT_STEP_MINUTES": "61"}, "COUNT_STEP_MINUTES must be from 1 to 60"),
        ({**PRODUCTION, "COUNT_STEP_MINUTES": "0"}, "COUNT_STEP_MINUTES must be from 1 to 60"),
        ({"TRUSTED_PROXIES": "many"}, "TRUSTED_PROXIES must be a whole number"),
        ({"SITE_URL": "letter.example.org"}, "SITE_URL must look like"),
        ({"SITE_URL": "http://letter.example.org"}, "must begin with https://"),
        ({**PRODUCTION, "DEBUG": "True"}, "DEBUG must be False"),
        ({**PRODUCTION, "SECRET_KEY": "changeme" * 8}, "SECRET_KEY must be at least 32 random characters."),
        ({**PRODUCTION, "OUTBOX_PUBLIC_KEY": "nokey"}, "OUTBOX_PUBLIC_KEY must be a Curve25519 public key"),
        ({"EMAIL_URL": "http://localhost"}, "EMAIL_URL must look like"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL must begin with postgres://."),
        (
            {"ALLOWED_HOSTS": "letter.example.org"},
            "SITE_URL names this machine, but ALLOWED_HOSTS holds letter.example.org",
        ),
        ({"EMAIL_URL": "smtp://mail.example.org"}, "SITE_URL names this machine, but EMAIL_URL points to another"),
        ({"TRUSTED_PROXIES": "1"}, "SITE_URL names this machine, but TRUSTED_PROXIES says there is a proxy"),
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
