"""Django's `collectstatic`, which does nothing while nothing has changed: compression takes seconds."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.files.storage import Storage

STAMP = "collected.sha256"  # in STATIC_ROOT: the digest of what was collected


class Command(collectstatic.Command):
    def handle(self, **options: Any) -> str | None:
        stamp, digest = Path(settings.STATIC_ROOT) / STAMP, digest_of_sources()
        is_whole = options["post_process"] and not (options["dry_run"] or options["link"] or options["ignore_patterns"])
        if is_whole and not options["clear"] and stamp.exists() and stamp.read_text() == digest:
            return None
        stamp.unlink(missing_ok=True)
        report: str | None = super().handle(**options)
        if is_whole:
            stamp.write_text(digest)
        return report

    def delete_file(self, path: str, prefixed_path: str, source_storage: Storage) -> bool:
        """Have each file copied: times do not tell, because the files of a former release are older."""
        if not self.dry_run:
            self.storage.delete(prefixed_path)
        return True


def digest_of_sources() -> str:
    """Returns a digest over all files that are to be collected, and over how they are stored."""
    found = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list(None), key=lambda one: one[0]):
            with storage.open(path) as file:
                found.update(f"{path} {file.size}\n".encode() + file.read())
    return found.hexdigest()
