"""Reads the settings of emails: the server, and the addresses from which they come. As `environment` does."""

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from campaign.runtime.environment import LOCAL_HOSTS, required


def email_address(name: str, value: str, *, sends: bool = False) -> str:
    """Returns an email address, with or without a name before it, as it was given.

    Args:
        name: of the setting.
        value: of the setting.
        sends: whether emails come from it; then it must be in plain letters (ASCII).

    Raises:
        ImproperlyConfigured: it is none, such as when a name with a comma has no quotes.
    """
    found = parseaddr(value)[1]
    try:
        validate_email(found)
        Address(addr_spec=found)
        if sends:
            found.encode("ascii")
    except (ValidationError, ValueError, MessageError):
        raise ImproperlyConfigured(
            f"{name} must be an email address such as privacy@example.org, not {value!r}."
        ) from None
    return value


def required_address(name: str, purpose: str, *, default: str, sends: bool = False) -> str:
    """Returns an email address that the site cannot do without. As `required` and `email_address`."""
    return email_address(name, required(name, purpose, default=default), sends=sends)


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
        "BACKEND": "campaign.runtime.smtp.EmailBackend",
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
