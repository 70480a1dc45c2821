"""What a package says of itself: manifest.json for programs, READ-ME.txt for people. Names the files of a package."""

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from django.template.loader import render_to_string

from signatures.models import Delivery

PDF, CSV, LEAVES, MANIFEST, READ_ME = (
    "letter-with-signatories.pdf", "signatories.csv", "leaves.csv", "manifest.json", "READ-ME.txt",
)  # fmt: skip
FILES = (PDF, CSV, LEAVES, MANIFEST, READ_ME)  # in the order of the archive
DIGESTED = (PDF, CSV, LEAVES, READ_ME)  # the manifest holds their digests
FORMAT = 1
ALGORITHM = "SHA-256; Merkle tree of RFC 9162 over leaves.csv; leaf = SHA-256(0x00 || salt || row), see READ-ME.txt"
COUNTS = (
    "delivered", "named", "counted_only", "waiting", "withdrawn", "rejected", "public_count", "organizations", "paper",
)  # fmt: skip


class MalformedManifest(Exception):
    """The content is no manifest of this format; the message says why."""


def in_order(digests: Mapping[str, str]) -> list[tuple[str, str]]:
    """Returns file names and digests in the order of the archive, then the package; the database keeps no order."""
    return sorted(digests.items(), key=lambda file: FILES.index(file[0]) if file[0] in FILES else len(FILES))


def manifest_json(delivery: Delivery, *, root: str, files: Mapping[str, str]) -> bytes:
    """Returns manifest.json: the same bytes for the same delivery."""
    counts, since = delivery.counts, delivery.counts.get("since")
    errata = counts["errata"]  # those known at freezing: later ones would change the bytes
    body = {
        "format": FORMAT,
        "letter": delivery.slug,
        "delivery": delivery.number,
        "frozen_at": f"{delivery.frozen_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "order": delivery.order,
        "texts": [
            {
                "revision": text["revision"],
                "language": text["language"],
                "authoritative": text["authoritative"],
                "sha256": text["digest"],
            }
            for text in delivery.texts
        ],
        "counts": {name: counts[name] for name in COUNTS} | {"revisions": counts["revisions"]},
        "since_last": {"delivery": since, "added": counts["added"], "gone": counts["gone"]} if since else None,
        "errata": {number: list(range(1, errata[number] + 1)) for number in sorted(errata, key=int)},
        "files": {name: files[name] for name in DIGESTED},
        "root": root,
        "algorithm": ALGORITHM,
    }
    return (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode()


def read_me(delivery: Delivery, *, root: str, site: str) -> bytes:
    """Returns READ-ME.txt: what the package holds, and how anybody checks it without this program."""
    counts = delivery.counts
    words = {
        "letter": delivery.slug,
        "number": str(delivery.number),
        "frozen": f"{delivery.frozen_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "root": root,
        "page": f"{site}/deliveries/{delivery.slug}/{delivery.number}/",
        **{name: f"{counts[name]:,}" for name in COUNTS},
    }
    return render_to_string("delivery/read-me.txt", words).encode()


def parse_manifest(content: bytes) -> dict[str, Any]:
    """Returns the content of a manifest.json.

    Raises:
        MalformedManifest: it has another form.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedManifest("it is no JSON") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise MalformedManifest(f"it is not of format {FORMAT}")
    counts, files = found.get("counts"), found.get("files")
    if not isinstance(files, dict) or set(files) != set(DIGESTED):
        raise MalformedManifest(f"it must name the digests of {', '.join(DIGESTED)}")
    if not isinstance(counts, dict) or not all(_is_count(counts.get(name)) for name in COUNTS):
        raise MalformedManifest(f"it must count {', '.join(COUNTS)}")
    revisions = counts.get("revisions")
    if not isinstance(revisions, dict) or not all(map(_is_count, revisions.values())):
        raise MalformedManifest("it must count the signatures of each revision")
    if not all(isinstance(found.get(name), str) for name in ("letter", "root")) or not _is_count(found.get("delivery")):
        raise MalformedManifest("it must name letter, delivery and root")
    return found


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0
