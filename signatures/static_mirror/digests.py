"""What the pages of names were made from in the last run, so that the next one makes only what changed."""

import sys
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from campaign.runtime.complete_files import replaced_file
from signatures.static_mirror.folder import MARKER

CODE = ("campaign", "signatures", "templates")
CODE_SUFFIXES = {".html", ".mo", ".py", ".txt"}


class Made(NamedTuple):
    """A page: the SHA-256 of its file, and that of everything it was made from."""

    digest: str
    fingerprint: str


def read(mirror: Path) -> dict[str, Made]:
    """Returns the pages of a mirror by file; none if their list is missing, or not the one that belongs to it.

    The mirror names the digest of the list. So it is of no use once it is cut short, changed or of another run.
    """
    try:
        content = _list_of(mirror).read_bytes()
        sealed = (mirror / MARKER).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    if sha256(content).hexdigest() not in sealed:
        return {}
    lines = (line.split(" ", 2) for line in content.decode().splitlines())
    return {file: Made(digest, fingerprint) for digest, fingerprint, file in lines}


def write(pages: Mapping[str, Made], new: Path, mirror: Path) -> None:
    """Writes the list beside the mirror, and its digest into the new folder, which is about to take its place."""
    content = "".join(f"{made.digest} {made.fingerprint} {file}\n" for file, made in pages.items()).encode()
    with replaced_file(_list_of(mirror)) as draft:
        draft.write_bytes(content)
    with (new / MARKER).open("a", encoding="utf-8") as marker:
        marker.write(f"{sha256(content).hexdigest()}\n")


def _list_of(mirror: Path) -> Path:
    return mirror.with_name(f"{mirror.name}.digests")


@cache
def code_digest() -> str:
    """Returns a digest of the code, the templates, the translations and the versions of all packages."""
    base = Path(settings.BASE_DIR)
    files = [file for folder in CODE for file in (base / folder).rglob("*") if file.suffix in CODE_SUFFIXES]
    found = sha256(sys.version.encode())
    for file in [base / "requirements.txt", *sorted(files)]:
        found.update(f"\0{file.relative_to(base)}\0".encode())
        found.update(file.read_bytes() if file.is_file() else b"")
    return found.hexdigest()
