"""Where the packages of deliveries are: the folder DELIVERIES_DIR, or an object store that several machines share."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any, override

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from campaign.runtime.expiring_cache import ExpiringCache

ALIAS = "deliveries"  # in STORAGES, with an object store
ASKED_SECONDS = 30.0  # for which a store that has answered is not asked again: `/readyz` may ask each second
_has_answered = ExpiringCache[str, bool](ASKED_SECONDS)


class _Moved(File[bytes]):
    """A file of this machine that a folder takes by renaming it, and an object store by reading it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


class _Folder(FileSystemStorage):
    @override
    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        """Write the new name to the disk, too, so that it survives a power failure."""
        os.fsync(content.fileno())
        saved = super().save(name, content, max_length)
        handle = os.open(self.location, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return saved


def _storage() -> Storage:
    if ALIAS in settings.STORAGES:
        return storages[ALIAS]
    return _Folder(settings.DELIVERIES_DIR, allow_overwrite=True, file_permissions_mode=0o640)


def put(file: Path, name: str) -> None:
    """Store a complete file under this name, in one step. It takes the place of what has the name, and is moved away.

    Args:
        file: with a folder as the store, on the same file system.
        name: the name of the package.
    """
    with file.open("rb") as stream:
        _storage().save(name, _Moved(stream, name=str(file)))
    file.unlink(missing_ok=True)


def delete(name: str) -> None:
    """Delete a package, if it is there."""
    _storage().delete(name)


def exists(name: str) -> bool:
    return _storage().exists(name)


def can_be_asked() -> bool:
    """Returns whether an object store answers this process, which may have other networks than the worker.

    A store that is away or refuses raises an exception of its own kind. A folder is one of the checks of folders.
    """
    if ALIAS in settings.STORAGES and not _has_answered.get(ALIAS):
        exists(f"check-{secrets.token_hex(8)}")
        _has_answered.put(ALIAS, value=True)
    return True


def open_package(name: str) -> File[bytes]:
    """Returns a package to read, at any place of it. From an object store it is fetched whole."""
    return _storage().open(name, "rb")


def place(name: str) -> str:
    """Returns where a package is: its path, or its name in the object store."""
    return _storage().path(name) if ALIAS not in settings.STORAGES else f"{name} in the object store"


def names() -> list[str]:
    """Returns the names of all packages, in their order."""
    store = _storage()
    files = store.listdir("")[1] if ALIAS in settings.STORAGES or settings.DELIVERIES_DIR.exists() else []
    return sorted(name for name in files if name.endswith(".zip") and not name.startswith("."))


def sha256_of(name: str) -> str:
    with open_package(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
