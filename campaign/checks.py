"""Checks for operators: `manage.py check --deploy`. Those with the tag `site` try what the running site needs."""

import contextlib
import secrets
import smtplib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.mail import EmailMessage, mailers
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection
from django.db.utils import ConnectionHandler

from campaign.runtime import database_budgets, environment, failures, replica, session_limits
from campaign.web import arrival, health

SITE = "site"  # the tag of the checks that connect, write or ask; they run with --deploy alone
FORGED = "203.0.113.7"  # an address that no visitor has (RFC 5737)

# What `/readyz` tries, with the sentence and the advice when it fails.
READINESS = {
    "database": ("The database takes no writes.", "See that it is no replica, and which role DATABASE_URL names."),
    "migrations": ("Migrations are missing.", "Run `manage.py migrate` as the owner of the database."),
    "durable": ("PostgreSQL may lose what it acknowledged.", "Set fsync, synchronous_commit and full_page_writes on."),
    "worker": ("No worker finished a task in the last two minutes.", "Start the worker, and read its log."),
    "folders": ("VAR_DIR cannot be written, or DELIVERIES_DIR cannot be read.", "See whom they belong to."),
    "disk": ("Less than 200 MB of disk are free.", "Make room."),
    "cache": ("The cache does not give back what it was given.", "See CACHE_URL."),
    "packages": ("The object store cannot be asked for a package.", "See its address, and the way there."),
    "mail": ("Emails do not get out.", "Read the log of the worker, and see EMAIL_URL."),
}  # fmt: skip
HANGING = ("Its checks take too long.", "Read its log.")


def _error(number: int, sentence: str, hint: str) -> checks.CheckMessage:
    return checks.Error(sentence, hint=hint, id=f"campaign.E{number:03}")


@checks.register(checks.Tags.security, deploy=True)
def deployment(**_options: Any) -> list[checks.CheckMessage]:
    """Returns warnings about settings that are fine on one's own machine, but not on a public site."""
    host = settings.SITE.hostname
    warnings = {
        "The site is in local mode: for this machine alone.": (
            settings.LOCAL_MODE,
            "Remove LOCAL, and give all settings of a public site.",
        ),
        "Emails are written to files: nobody will receive their link.": (not settings.EMAIL_URL, "Set EMAIL_URL."),
        "The embedded PostgreSQL is in use: back up VAR_DIR.": (
            not settings.DATABASE_URL,
            "Or set DATABASE_URL to a server that is backed up.",
        ),
        "ALLOWED_HOSTS lacks the host of SITE_URL: links in emails will not work.": (
            not {host, "*"} & set(settings.ALLOWED_HOSTS),
            f"Add {host}.",
        ),
    }
    return [
        checks.Warning(message, hint=hint, id=f"campaign.W{number:03}")
        for number, (message, (is_wrong, hint)) in enumerate(warnings.items(), start=1)
        if is_wrong
    ]


@checks.register(checks.Tags.database, SITE, deploy=True)
def readiness(databases: Sequence[str] | None = None, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Tries what `/readyz` tries, and says why it fails."""
    if databases is None:
        return
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        yield _error(1, f"The database cannot be reached: {failures.first_line(error)}.", "See DATABASE_URL.")
        return
    for name, check in (health.CHECKS | health.more_checks).items():
        reason = ""
        try:
            if check():
                continue
        except Exception as error:  # noqa: BLE001  whatever a database, a disk or a cache raises
            reason = f" {failures.first_line(error)}."
        sentence, hint = READINESS[name]
        yield _error(2, sentence + reason, hint)


@checks.register(checks.Tags.database, SITE, deploy=True)
def other_servers(databases: Sequence[str] | None = None, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Connects to those servers that the web server alone asks, with its limits: a pooler, and a replica."""
    if databases is None or not is_reachable():
        return
    servers: dict[str, Any] = {}
    if settings.WEB_DATABASE_URL not in {"", settings.DATABASE_URL}:
        servers["DATABASE_URL"] = environment.database(settings.WEB_DATABASE_URL, settings.POSTGRES_DIR)
    if replica.REPLICA in settings.DATABASES:
        servers["REPLICA_URL"] = settings.DATABASES[replica.REPLICA]
    for name, server in servers.items():
        session = ConnectionHandler({DEFAULT_DB_ALIAS: server})[DEFAULT_DB_ALIAS]
        limits = database_budgets.public()
        try:
            with database_budgets.used_in_block(limits), contextlib.closing(session):
                session.ensure_connection()
                absent = ", ".join(session_limits.absent(session.connection, limits.limits))
                is_same = _identity(session) == _identity(connection)
                is_replica = _value(session, "SELECT pg_is_in_recovery()")
        except DatabaseError as error:
            sentence = f"The server of {name} cannot be reached: {failures.first_line(error)}."
            yield _error(14, sentence, f"See {name}: the web server uses it.")
            continue
        if absent:
            sentence = f"The sessions of {name} have no limit of waiting: {absent} are 0."
            yield _error(15, sentence, "Set them in the pooler, as docs/operate/scale.md has them.")
        if not is_same:
            yield _error(16, f"{name} leads to another database than the one of the worker.", f"See {name}.")
        if name == "REPLICA_URL" and not is_replica:
            yield _error(17, "REPLICA_URL leads to no replica: nothing is read there.", "See REPLICA_URL.")


def _identity(session: Any) -> Any:
    """Returns what a database and its replicas have in common, and no other one has."""
    return _value(session, "SELECT system_identifier || current_database() FROM pg_control_system()")


def _value(session: Any, question: str) -> Any:
    with session.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


@checks.register(checks.Tags.database, SITE, deploy=True)
def grants(databases: Sequence[str] | None = None, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Looks whether the role of the database may read and add to every table."""
    if databases is None or not is_reachable():
        return
    tables = connection.introspection.django_table_names(only_existing=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s) AS name WHERE NOT "
            "(has_table_privilege(quote_ident(name), 'SELECT') AND has_table_privilege(quote_ident(name), 'INSERT'))",
            [tables],
        )
        names = sorted(name for (name,) in cursor.fetchall())
    if names:
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
        hint = "Run all grants again, as docs/operate/go-live.md has them."
        yield _error(3, f"The role of the database may not read and add to {some}.", hint)


@checks.register(SITE, deploy=True)
def folders(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Writes to each folder of the site, and looks whether others can enter VAR_DIR."""
    if not settings.VAR_DIR.is_dir():
        yield _error(4, "There is no folder VAR_DIR.", f"Make {settings.VAR_DIR}, mode 700.")
        return
    if settings.VAR_DIR.stat().st_mode & 0o007:
        yield _error(5, "Others on this machine can enter VAR_DIR.", "Run `chmod 700`.")
    # The web server only reads the packages. PostgreSQL may run under a user of its own.
    to_write = {settings.VAR_DIR, *([settings.DELIVERIES_DIR] if settings.OUTBOX_PRIVATE_KEY_FILE else [])}
    to_write |= {folder for folder in settings.VAR_DIR.iterdir() if folder.is_dir() and folder != settings.POSTGRES_DIR}
    for folder in sorted(to_write):
        if reason := _refusal(folder):
            yield _error(6, f"{folder} cannot be written: {reason}.", "See whom it belongs to.")


@checks.register(SITE, deploy=True)
def object_store(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Writes a package to the object store and deletes it, as the worker may. `readiness` asks for one."""
    if "deliveries" not in settings.STORAGES or not settings.OUTBOX_PRIVATE_KEY_FILE:
        return
    store, name = storages["deliveries"], f"check-{secrets.token_hex(8)}"
    try:
        store.save(name, ContentFile(b"check"))
        store.delete(name)
    except Exception as error:  # noqa: BLE001  each kind of store has its own
        reason = type(error).__name__
        yield _error(13, f"The object store refuses or cannot be reached: {reason}.", "See DELIVERIES_STORAGE_URL.")


def _refusal(folder: Path) -> str:
    """Returns why no file can be written to a folder, or to where it will be made; an empty string when it can."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


@checks.register(SITE, deploy=True)
def proxies(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Asks the site itself at SITE_URL, and looks how the question arrived (threat model S19, S37)."""
    hint = "See the proxy in docs/operate/go-live.md."
    try:
        plain = arrival.ask()
        forged = arrival.ask({"X-Forwarded-For": FORGED, "X-Forwarded-Proto": "http"})
    except arrival.Astray as error:
        yield _error(7, str(error), "See SITE_URL, the proxy, and whether the site runs.")
        return
    if plain.scheme != settings.SITE.scheme:
        sentence = f"The proxy does not say that visitors come by {settings.SITE.scheme}."
        yield _error(8, sentence, "It must set X-Forwarded-Proto, and TRUSTED_PROXIES be above 0.")
    if plain.host != settings.SITE.netloc:
        sentence = f"Visitors of {settings.SITE.netloc} arrive as those of {plain.host}."
        yield _error(9, sentence, "The proxy must pass on the header Host.")
    if plain.hops != settings.TRUSTED_PROXIES:
        sentence = f"X-Forwarded-For arrives with {plain.hops} hops, but TRUSTED_PROXIES is {settings.TRUSTED_PROXIES}."
        yield _error(10, sentence, hint)
    elif (forged.scheme, forged.network) != (plain.scheme, plain.network):
        yield _error(11, "The proxy believes what visitors say of themselves.", hint)


@checks.register(SITE, deploy=True)
def web_server(**_options: Any) -> Iterator[checks.CheckMessage]:
    """Asks the web server at SITE_URL whether it is ready: it may have other servers and rights than this process."""
    for name in arrival.unready(health.READY_PATH):
        sentence, hint = READINESS.get(name, HANGING)
        yield _error(18, f"The web server says of itself: {sentence}", hint)


def email(*, to: str, **_options: Any) -> Iterator[checks.CheckMessage]:
    """Connects to the email service and, with an address, sends it a test email. The command registers this check."""
    backend = mailers.create_connection("default")
    message = EmailMessage(
        "Test", f"{settings.SITE_URL} can send emails. Nobody needs to answer.\n", settings.DEFAULT_FROM_EMAIL, [to]
    )
    try:
        backend.open()
        if to:
            backend.send_messages([message])
        else:
            yield checks.Info("No test email was sent.", hint="Give --to ADDRESS.", id="campaign.I001")
        backend.close()
    except OSError as error:  # also every error of smtplib
        yield _error(12, f"The email service failed: {_answer_of(error)}.", "See EMAIL_URL.")


def _answer_of(error: OSError) -> str:
    """Returns what the email service answered, as its code and its words, or what else went wrong."""
    code: int
    words: bytes | str
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, words = next(iter(error.recipients.values()))
        case smtplib.SMTPResponseException():
            code, words = error.smtp_code, error.smtp_error
        case _:
            return failures.first_line(error)
    return f"{code} {words.decode('ascii', 'replace') if isinstance(words, bytes) else words}"


def is_reachable() -> bool:
    """Returns whether the database can be asked. `readiness` says why not."""
    try:
        connection.ensure_connection()
    except DatabaseError:
        return False
    return True
