"""Reads settings from the environment. Each function raises one sentence for the operator if a value is wrong."""

import contextlib
import hashlib
import io
import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from campaign.runtime import database_waits, keys, shared_cache

POSTGRESQL = "django.db.backends.postgresql"
ENGINE = "campaign.runtime.postgresql"
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}
# Every setting there is. Those that are not here cannot be read.
NAMES = frozenset((
    "ADMIN_PATH", "ALARM_WEBHOOK_URL", "ALLOWED_HOSTS", "CACHE_URL", "CONTACT_EMAIL", "COUNT_STEP_MINUTES",
    "DATABASE_LOCK_SECONDS", "DATABASE_STATEMENT_SECONDS", "DATABASE_URL", "DEBUG", "DEFAULT_FROM_EMAIL",
    "DELIVERIES_DIR", "DELIVERIES_STORAGE_URL", "DELIVERY_SIGNING_KEY_FILE", "DIRECT_DATABASE_URL",
    "EMAIL_HASH_PEPPER", "EMAIL_URL", "EMAIL_WEBHOOK_SECRET", "FONT_DIRS", "HSTS_INCLUDE_SUBDOMAINS",
    "HSTS_PRELOAD", "LOCAL", "METRICS_TOKEN", "OPERATOR_EMAIL", "ORGANIZATION_NAME", "OUTBOX_CONNECTIONS",
    "OUTBOX_PRIVATE_KEY_FILE", "OUTBOX_PUBLIC_KEY", "REPLICA_URL", "RETENTION_MONTHS", "SECRET_KEY",
    "SECRET_KEY_FALLBACKS", "SITE_URL", "STATIC_DIR", "TASKS_BACKEND", "TIMESTAMP_CERTIFICATE_FILE", "TIMESTAMP_URL",
    "TRUSTED_PROXIES", "UPDATES_PUBLIC_KEY", "VAR_DIR", "WORKER_SETTINGS_FILE",
))  # fmt: skip
# What the web server never needs, and whoever breaks into it must not get.
OF_WORKER = ("EMAIL_URL", "ALARM_WEBHOOK_URL", "DELIVERY_SIGNING_KEY_FILE")
# Addresses of services may hold passwords.
SECRETS = {name for name in NAMES if {"URL", "SECRET", "PEPPER", "TOKEN"} & set(name.split("_"))} - {"SITE_URL"}
OF_EVERY_SITE = {"deliveries", "static", "tombstones.csv", "narrowings.csv"}  # in VAR_DIR
env = environ.Env()


def read_file(path: Path, *, is_needed: bool = False) -> frozenset[str]:
    """Read a file like `.env`, if there is one. What the environment has stays. Returns the names of all else."""
    if is_needed and not path.exists():
        raise ImproperlyConfigured(f"There is no {path}: `init --overwrite` makes it.")
    found = in_file(path)
    if "DATABASE_URL" in os.environ and "DATABASE_URL" in found:  # for one call: the direct one is of another database
        os.environ.setdefault("DIRECT_DATABASE_URL", "")
    added = {name: value for name, value in found.items() if name not in os.environ}
    os.environ.update(added)
    return frozenset(added)


def in_file(path: Path) -> dict[str, str]:
    """Returns what a `.env` file sets; nothing if there is none.

    Raises:
        ImproperlyConfigured: if it cannot be read, or a line is none of a setting (threat model O15).
    """
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not path.is_symlink():
            return {}
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(f"{path} cannot be read: it is not UTF-8.") from None
    for number, line in enumerate(content.splitlines(), start=1):
        name, sign, _value = line.removeprefix("export ").partition("=")
        if line and not line.startswith("#") and not (sign and name.isidentifier()):
            raise ImproperlyConfigured(f"Line {number} of {path} must be a comment or look like NAME=value.")
    return parsed(content)


def parsed(content: str) -> dict[str, str]:
    """Returns what the text of a `.env` file sets."""
    found: dict[str, str] = {}
    reader: Any = type("Reader", (environ.Env,), {"ENVIRON": found})
    reader.read_env(io.StringIO(content))
    return found


def is_local(name: str, folder: Path) -> bool:
    """Returns whether this is local mode.

    It is if the setting says so, if SITE_URL is plain HTTP on this machine, which no public site has, or if there is no
    setting at all and was no public site: then a service has lost its settings.

    Args:
        name: of the setting.
        folder: VAR_DIR. It says where a site is, not what it is: it may be set.
    """
    if text(name):
        return boolean(name)
    if any(map(text, NAMES - {"VAR_DIR"})):
        address_of_site = url("SITE_URL")
        return address_of_site.scheme == "http" and address_of_site.hostname in LOCAL_HOSTS
    with contextlib.suppress(FileNotFoundError):
        found = {entry.name for entry in folder.iterdir()}
        if found & OF_EVERY_SITE and "keys" not in found:
            raise ImproperlyConfigured(
                f"There are no settings, but {folder} is that of a public site: give its settings, or LOCAL=True."
            )
    return True


def foreign(url: SplitResult) -> bool:
    """Returns whether an address points to another machine."""
    hosts = {server.hostname for server in servers(url) if server.hostname}
    if url.scheme.startswith("postgres"):  # what libpq reads goes before the address, and a service may name any server
        query = parse_qs(url.query)
        if "service" in query:
            return True
        hosts |= {host for name in ("host", "hostaddr") for value in query.get(name, []) for host in value.split(",")}
    folders_of_sockets = ("%2F", "/", "@")
    return any(not host.upper().startswith(folders_of_sockets) for host in hosts - LOCAL_HOSTS - {""})


def servers(url: SplitResult) -> list[SplitResult]:
    """Returns the servers that an address names: that of PostgreSQL may name several, with commas between them."""
    names = url.netloc.rpartition("@")[2]
    return [urlsplit(f"//{name}") for name in (names.split(",") if url.scheme.startswith("postgres") else [names])]


def text(name: str) -> str:
    """Returns a setting as it stands; empty when it is not there."""
    if name not in NAMES:
        raise KeyError(name)
    value: str = env.str(name, default="")
    return value


def without_secrets() -> dict[str, str]:
    """Returns the settings that are given, without those that nobody else may know."""
    return {name: value for name in sorted(NAMES - SECRETS) if (value := text(name))}


def words(name: str) -> list[str]:
    """Returns a setting with commas as a list."""
    return [word for word in text(name).split(",") if word]


def url(name: str) -> SplitResult:
    return address(name, text(name))


def address(name: str, value: str) -> SplitResult:
    """Returns the parts of a setting that is an address."""
    try:
        parts = urlsplit(value)
        _ports = [server.port for server in servers(parts)]  # read for its effect
    except ValueError:
        raise ImproperlyConfigured(f"{name} has a port that is none.") from None
    return parts


def site(value: str, *, is_local: bool) -> SplitResult:
    """Returns the parts of SITE_URL."""
    parts = address("SITE_URL", value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"SITE_URL must look like https://letter.example.org, not {value!r}.")
    if not is_local and parts.scheme != "https":
        raise ImproperlyConfigured("SITE_URL must begin with https://, except with LOCAL=True.")
    return parts


def boolean(name: str, *, needs: str = "") -> bool:
    """Returns a setting that is on or off. It may need another one to be on."""
    value = text(name) or "False"
    if value not in {"True", "False"}:
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}.")
    if needs and value == "True" and not boolean(needs):
        raise ImproperlyConfigured(f"{name} needs {needs}.")
    return value == "True"


def whole_number(name: str, default: int) -> int:
    value = text(name) or str(default)
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def database(url: str, embedded: Path, name: str = "DATABASE_URL") -> dict[str, Any]:
    """Returns the database of `url`, or the embedded one, whose socket is in its folder, if there is no address."""
    names = {"NAME": "undersigned", "USER": "undersigned", "HOST": str(embedded)}
    server: dict[str, Any] = env.db_url_config(url) if url else {"ENGINE": POSTGRESQL, **names}
    if server.get("ENGINE") != POSTGRESQL:
        raise ImproperlyConfigured(f"{name} must begin with postgres://.")
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


def caches(url: str) -> dict[str, Any]:
    """Returns the caches: that of `url`, the memory of each process, and `default`, which is one of the two."""
    memory: dict[str, Any] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    shared = memory
    if url:
        if address("CACHE_URL", url).scheme not in {"redis", "rediss", "unix"}:
            raise ImproperlyConfigured("CACHE_URL must begin with redis://.")
        times = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), shared_cache.TIMEOUT_SECONDS)
        # Not Django's serializer, by which whoever writes to Redis could make this site run code.
        options = {**times, "serializer": "django.core.signing.JSONSerializer"}
        shared = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": options}
    default = {"BACKEND": "campaign.runtime.shared_cache.SharedCache"}
    return {"default": default, shared_cache.SHARED: shared, shared_cache.MEMORY: memory}


def required(name: str, purpose: str, *, default: str = "") -> str:
    value = text(name) or default
    if not value:
        raise ImproperlyConfigured(f"{name} is missing: {purpose}.")
    return value


def folder_in_memory(var_dir: Path) -> Path:
    """Returns a folder for files that need not outlive the machine, of this user and VAR_DIR alone. It is not made."""
    name = f"undersigned-{os.geteuid()}-{hashlib.sha256(str(var_dir).encode()).hexdigest()[:12]}"
    memory = Path("/dev/shm")  # noqa: S108  whoever makes the folder looks whose it is
    return memory / name if os.access(memory, os.W_OK) else var_dir / "metrics"


def token(name: str) -> str:
    """Returns a word that opens a page to a program; empty, if there is none."""
    return secret(name, "", None) if text(name) else ""


def secret(name: str, purpose: str, local_keys: Path | None) -> str:
    """Returns a secret. In local mode, `local_keys` is the folder in which a missing one is created."""
    if local_keys and not text(name):
        return keys.secret(local_keys, name.lower())
    value = required(name, purpose)
    if len(value) < 32 or len(set(value)) < 8:
        raise ImproperlyConfigured(f"{name} must be at least 32 random characters.")
    return value


def sealing_keys(name: str, purpose: str, local_keys: Path | None) -> list[str]:
    """Returns public keys, which commas separate. In local mode, `local_keys` is the folder of a pair that is created.

    The first one seals. The others are former ones, which sealed what is still stored.
    """
    if local_keys and not text(name):
        return [keys.public_key(local_keys, pair(name))]
    return [public_key(name, value.strip()) for value in required(name, purpose).split(",")]


def public_key(name: str, value: str) -> str:
    """Returns the value of a setting that must be a public key."""
    if len(value) != 64 or set(value.lower()) - set("0123456789abcdef"):
        raise ImproperlyConfigured(
            f"{name} must be a Curve25519 public key of 64 hexadecimal digits, or several with commas between them."
        )
    return value


def service(name: str, *shapes: str) -> str:
    """Returns the address of a service on the web; empty, if there is none.

    With `shapes`, one of them and a plus stand before it, such as `slack+https://…`: the form of what is posted there.
    """
    value = text(name)
    shape, _plus, url = value.partition("+") if shapes else ("", "", value)
    server = urlsplit(url)
    is_safe = server.scheme == "https" or (server.scheme == "http" and server.hostname in LOCAL_HOSTS)
    if value and (shape not in (shapes or {""}) or not is_safe or not server.hostname):
        begin = " or ".join(f"{each}+https://" for each in shapes) or "https://"
        raise ImproperlyConfigured(f"{name} must begin with {begin}.")
    return value


def pair(name: str) -> str:
    """Returns what the key pair is called whose public key this setting holds: `outbox` for OUTBOX_PUBLIC_KEY."""
    return name.removesuffix("_PUBLIC_KEY").lower()
