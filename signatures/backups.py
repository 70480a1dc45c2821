"""Backups: the database, the tombstones, the settings without secrets, and digests of everything."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import pyrage
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from campaign.runtime import database, dumps, environment, failures, unfinished_restore
from campaign.runtime.complete_files import SUFFIX
from signatures import narrowings, pepper, retention, tombstones
from signatures.audit import audit_log, checkpoints
from signatures.delivery import package_store
from signatures.models import Checkpoint
from signatures.registries import AuditAction
from signatures.values import csv_cells

MANIFEST, DUMP, TOMBSTONES, SETTINGS = "manifest.json", "database.dump", "tombstones.csv", "settings.env"
NARROWINGS = "narrowings.csv"
ENCRYPTED = ".age"


class BackupFailed(Exception):
    """A backup could not be made or restored. The message is one sentence for the operator."""


def make(folder: Path, *, public_key: str = "") -> Path:
    """Makes a backup in a folder of its own below this one, completely or not at all. Returns that folder.

    Args:
        folder: is made if it is not there.
        public_key: of age; everything but the manifest, which names nobody, is encrypted to it.

    Raises:
        BackupFailed: with what was wrong.
    """
    now = timezone.now()
    checkpoint = Checkpoint.objects.order_by("-pk").first()  # before the dump, which then has it
    backup = folder / f"{now:%Y-%m-%dT%H%M%SZ}"
    try:
        recipients = [pyrage.x25519.Recipient.from_str(public_key)] if public_key else []
        folder.mkdir(parents=True, exist_ok=True)
        with _draft_of(backup) as draft:
            digests = {}
            for name, content in _contents(draft):
                with content as stream:
                    stored = draft / (name + (ENCRYPTED if recipients else ""))
                    digests[stored.name] = _store(stream, stored, recipients)
            manifest = {
                "made_at": now.isoformat(), "files": digests, "packages": _packages(),
                "pepper": pepper.fingerprint(), "checkpoint": checkpoint.digest if checkpoint else "",
            }  # fmt: skip
            with (draft / MANIFEST).open("x") as file:
                json.dump(manifest, file, indent=1)
                _flush(file)
            draft.rename(backup)
    except pyrage.RecipientError:
        raise BackupFailed("This is no public key of age: it must look like age1…") from None
    except (OSError, dumps.DumpFailed, csv_cells.UnreadableLine) as error:
        raise BackupFailed(f"There is no backup: {error}") from None
    audit_log.record(AuditAction.BACKUP)
    return backup


@contextlib.contextmanager
def _draft_of(backup: Path) -> Iterator[Path]:
    """Yields a folder beside the backup. Whatever stops the block, no dump is left in it."""
    draft = Path(tempfile.mkdtemp(dir=backup.parent, prefix=f"{backup.name}.", suffix=SUFFIX))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)  # unless it has become the backup


def _contents(draft: Path) -> Iterator[tuple[str, contextlib.AbstractContextManager[IO[bytes]]]]:
    # The keys of days stay out: with them, digests of networks could be tested for as long as the backup is kept.
    yield DUMP, dumps.dump(without_rows_of="signatures_dailykey")
    # After the dump, so that who was erased meanwhile, or withdrew, is in one of both.
    plain = draft / f".{TOMBSTONES}"
    tombstones.sync()
    tombstones.sync(plain)
    yield TOMBSTONES, plain.open("rb")
    plain.unlink()
    narrowings.sync(plain)
    yield NARROWINGS, plain.open("rb")
    plain.unlink()
    plain.write_text("".join(f"{name}={value}\n" for name, value in environment.without_secrets().items()))
    yield SETTINGS, plain.open("rb")
    plain.unlink()


def _store(stream: IO[bytes], path: Path, recipients: list[Any]) -> str:
    """Writes the stream into a file, encrypted if there are recipients. Returns its SHA-256."""
    with path.open("xb") as file:
        if recipients:
            pyrage.encrypt_io(stream, file, recipients)
        else:
            shutil.copyfileobj(stream, file)
        _flush(file)
    return _digest(path)


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _packages() -> dict[str, str]:
    """Returns the SHA-256 of each package of a delivery, which can be made again and is not in the backup."""
    return {name: package_store.sha256_of(name) for name in package_store.names()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _newest_in(folder: Path) -> Path:
    """Returns the newest backup in this folder, by its name; the folder itself if it is one, or holds none."""
    found = [] if (folder / MANIFEST).exists() else sorted(folder.glob(f"*Z/{MANIFEST}"))
    return found[-1].parent if found else folder


def restore(backup: Path, *, private_key_file: Path | None = None, alone: bool = False) -> datetime:
    """Restores a backup into an empty database, and erases again who erased themselves. Returns when it was made.

    Nobody else can use the database until that is done. A restore that was stopped goes on with the same backup.

    Args:
        backup: the folder of one backup, or one that holds backups: then the newest that is whole.
        private_key_file: with the private key of age, for an encrypted one.
        alone: with no tombstones of VAR_DIR, which are newer than those of the backup.

    Raises:
        BackupFailed: with what was wrong. Before the rows are all there, nothing was changed.
    """
    if not alone and not (newest := tombstones.file_beside_database()).exists():
        raise BackupFailed(
            f"There is no {newest}: put the newest one there, or who erased themselves after the backup comes back. "
            "If there is none any more, add --without-newer-tombstones."
        )
    backup = _newest_in(backup)
    try:
        manifest = json.loads((backup / MANIFEST).read_text())
        for name, digest in manifest["files"].items():
            if _digest(backup / name) != digest:
                raise BackupFailed(f"{name} is damaged: its SHA-256 is not that of the manifest.")
        keys = _private_keys(private_key_file)
        if manifest["pepper"] != pepper.fingerprint():
            raise BackupFailed("EMAIL_HASH_PEPPER is not that of this backup: nobody would find their signature again.")
        with (
            database.single_instance("serve"),
            unfinished_restore.marked(_digest(backup / MANIFEST)) as has_rows,
        ):
            if not has_rows:
                with _opened(backup, DUMP, keys) as source:
                    dumps.restore(source)
                connection.close()
            call_command("migrate", interactive=False, verbosity=0)
            _take_back_again(backup, keys)
        checkpoints.verify(expect=manifest["checkpoint"])
    except (OSError, ValueError, KeyError) as error:
        raise BackupFailed(f"{backup} holds no whole backup: {failures.sentence(error)}") from None
    except (pyrage.DecryptError, pyrage.IdentityError):
        raise BackupFailed("The backup is encrypted, and the key does not open it.") from None
    except checkpoints.LogTampered as error:
        raise BackupFailed(f"The audit log was changed before the backup: {error}") from None
    except (
        dumps.DumpFailed, database.DatabaseUnavailable, unfinished_restore.NotRestorable, ImproperlyConfigured,
        csv_cells.UnreadableLine,
    ) as error:  # fmt: skip
        raise BackupFailed(str(error)) from None
    return datetime.fromisoformat(manifest["made_at"])


def _take_back_again(backup: Path, keys: list[Any]) -> None:
    """Erases and narrows what signers have taken back since: as files of the backup and of this machine have it."""
    with _opened(backup, TOMBSTONES, keys) as source:
        retention.erase_again(io.TextIOWrapper(source, newline=""))
    if not any((backup / f"{NARROWINGS}{ending}").exists() for ending in ("", ENCRYPTED)):  # an older backup
        narrowings.take_back_again()
        return
    with _opened(backup, NARROWINGS, keys) as source:
        narrowings.take_back_again(io.TextIOWrapper(source, newline=""))


def _private_keys(file: Path | None) -> list[Any]:
    lines = file.read_text().splitlines() if file else []
    return [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith("AGE-SECRET-KEY-")]


@contextlib.contextmanager
def _opened(backup: Path, name: str, keys: list[Any]) -> Iterator[IO[bytes]]:
    """Yields the content of a file of a backup. The plain copy of an encrypted one has no name, and does not stay."""
    if (plain := backup / name).exists():
        with plain.open("rb") as file:
            yield file
        return
    if not keys:
        raise BackupFailed("The backup is encrypted: give --key FILE, with the private key of age.")
    with (backup / (name + ENCRYPTED)).open("rb") as sealed, tempfile.TemporaryFile(dir=settings.VAR_DIR) as file:
        pyrage.decrypt_io(sealed, file, keys)
        file.seek(0)
        yield file
