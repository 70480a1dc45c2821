"""Reads settings from the environment. Each function raises one sentence for the operator if a value is wrong."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from campaign.runtime import database_waits, keys

POSTGRESQL = "django.db.backends.postgresql"
ENGINE = "campaign.runtime.postgresql"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
env = environ.Env()


def boolean(name: str) -> bool:
    value: str = env.str(name, default="False")
    if value not in {"True", "False"}:
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}.")
    return value == "True"


def whole_number(name: str, default: int) -> int:
    value = env.str(name, default=str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def database(url: str, embedded: Path) -> dict[str, Any]:
    """Returns the database of `url`, or the embedded one, whose socket is in its folder, if there is no address."""
    names = {"NAME": "undersigned", "USER": "undersigned", "HOST": str(embedded)}
    server: dict[str, Any] = env.db_url_config(url) if url else {"ENGINE": POSTGRESQL, **names}
    if server.get("ENGINE") != POSTGRESQL:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgres://.")
    options = {
        "connection_factory": database_waits.Connection,
        "cursor_factory": database_waits.Cursor,
        "connect_timeout": 3,
        "keepalives_idle": 30,  # seconds; this and the next lines are for a server behind a network
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # milliseconds
        **server.get("OPTIONS", {}),
    }
    return server | {"ENGINE": ENGINE, "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def required(name: str, purpose: str) -> str:
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is missing: {purpose}.")
    return value


def token(name: str) -> str:
    """Returns a word that opens a page to a program; empty, if there is none."""
    return secret(name, "", None) if env.str(name, default="") else ""


def secret(name: str, purpose: str, local_keys: Path | None) -> str:
    """Returns a secret. In local mode, `local_keys` is the folder in which a missing one is created."""
    if local_keys and not env.str(name, default=""):
        return keys.secret(local_keys, name.lower())
    value = required(name, purpose)
    if len(value) < 32 or len(set(value)) < 8:
        raise ImproperlyConfigured(f"{name} must be at least 32 random characters.")
    return value


def sealing_key(name: str, purpose: str, local_keys: Path | None) -> str:
    """Returns a public key. In local mode, `local_keys` is the folder in which a missing key pair is created."""
    if local_keys and not env.str(name, default=""):
        return keys.public_key(local_keys, name.removesuffix("_PUBLIC_KEY").lower())
    value = required(name, purpose)
    if len(value) != 64 or set(value.lower()) - set("0123456789abcdef"):
        raise ImproperlyConfigured(f"{name} must be a Curve25519 public key of 64 hexadecimal digits.")
    return value


def mailer(url: str, folder: Path) -> dict[str, Any]:
    """Returns the entry of MAILERS for an email server; for an empty URL one that writes files into the folder."""
    server = urlsplit(url)
    if not url:
        return {"BACKEND": "campaign.runtime.mail_files.EmailBackend", "OPTIONS": {"file_path": str(folder)}}
    if server.scheme not in {"smtp", "smtps"} or not server.hostname:
        raise ImproperlyConfigured(
            "EMAIL_URL must look like smtp://user:password@host:port or smtps://user:password@host:port."
        )
    return {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": server.hostname,
            "port": server.port or (465 if server.scheme == "smtps" else 587),
            "username": unquote(server.username or ""),
            "password": unquote(server.password or ""),
            "use_ssl": server.scheme == "smtps",
            # A server on this machine may lack TLS; any other must have it.
            "use_tls": server.scheme == "smtp" and server.hostname not in LOCAL_HOSTS,
            "timeout": 20,
        },
    }
