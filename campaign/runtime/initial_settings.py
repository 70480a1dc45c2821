"""The first settings of a public site: what `manage.py init` asks, checks and writes."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from campaign.runtime import email_settings, environment, keys

SECRETS = ("SECRET_KEY", "EMAIL_HASH_PEPPER")
PAIRS = ("OUTBOX_PUBLIC_KEY", "UPDATES_PUBLIC_KEY")
SIGNING = ("DELIVERY_SIGNING_KEY_FILE",)
PLAIN = {*string.ascii_letters, *string.digits, *"_.:/@%+,-"}  # characters that need no quotes
HEAD = "# Made by `manage.py init`. `.env.example` explains each setting, and has more."


@dataclass(frozen=True)
class Question:
    """One question of `init`. Its check raises ImproperlyConfigured, whose sentence is shown."""

    setting: str
    text: str
    check: Callable[[str], object]

    @property
    def option(self) -> str:
        return "--" + self.setting.lower().replace("_", "-")


def _check_name(value: str) -> None:
    if not value:
        raise ImproperlyConfigured("ORGANIZATION_NAME is missing: it is shown on every page and in the privacy notice.")


def _check_email_server(value: str) -> None:
    environment.address("EMAIL_URL", value)
    if not value:
        raise ImproperlyConfigured("EMAIL_URL is missing: without an email server nobody gets the link that confirms.")
    email_settings.mailer(value, Path())


def _check_database(value: str) -> None:
    parts = environment.address("DATABASE_URL", value)
    environment.database(value, Path())
    if value and not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL must end with the name of the database.")


QUESTIONS = (
    Question(
        "SITE_URL",
        "The address at which people find the site, such as https://letter.example.org",
        lambda value: environment.site(value.rstrip("/"), is_local=False),
    ),
    Question("ORGANIZATION_NAME", "The organization that runs it, as every page will name it", _check_name),
    Question(
        "CONTACT_EMAIL",
        "Whom people write to about their data: an email address, shown on every page",
        lambda value: email_settings.email_address("CONTACT_EMAIL", value),
    ),
    Question(
        "EMAIL_URL",
        "The email server: smtps://user:password@host:465 or smtp://user:password@host:587 (an @ in the user is %40)",
        _check_email_server,
    ),
    Question(
        "DATABASE_URL",
        "The database: postgres://user:password@host:5432/name (nothing: the embedded PostgreSQL)",
        _check_database,
    ),
)


def complete(settings: dict[str, str]) -> dict[str, str]:
    """Returns these settings with those that follow from them, and with secrets where they are missing."""
    sender = email_settings.mailer(settings["EMAIL_URL"], Path())["OPTIONS"]["username"]
    derived = {
        "DEFAULT_FROM_EMAIL": sender if "@" in sender else settings["CONTACT_EMAIL"],
        "TRUSTED_PROXIES": "1",  # something before the site must speak TLS
    }
    new = derived | {name: keys.new_secret() for name in SECRETS}
    return settings | {name: value for name, value in new.items() if not settings.get(name)}


def check_sender(value: str) -> None:
    """Raises ImproperlyConfigured if emails cannot come from here."""
    email_settings.email_address("DEFAULT_FROM_EMAIL", value, sends=True)


def key_file(folder: Path, name: str) -> Path:
    """Returns the file of the private half of the public key of this name, or of the key that signs deliveries."""
    return keys.private_file(folder, keys.SIGNING_KEY if name in SIGNING else environment.pair(name))


def file_text(settings: dict[str, str]) -> str:
    """Returns the text of a `.env` file.

    Raises:
        ImproperlyConfigured: for a value that would not be read as it was given.
    """
    text = "\n".join([HEAD, *(f"{name}={_quoted(value)}" for name, value in settings.items())])
    # A value in several lines, or one that names another setting.
    wrong = [name for name, value in settings.items() if len(value.splitlines()) > 1 or value.startswith("$")]
    read = settings if wrong else environment.parsed(text)
    if wrong := wrong or [name for name, value in settings.items() if read.get(name) != value]:
        raise ImproperlyConfigured(f"{wrong[0]} has a character that cannot be in a `.env` file.")
    return text


def _quoted(value: str) -> str:
    if PLAIN.issuperset(value):
        return value
    return f"'{value}'" if "'" not in value else '"{}"'.format(value.replace("\\", r"\\").replace('"', r"\""))
