"""What a package says of itself: manifest.json for programs, READ-ME.txt for people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.template.loader import render_to_string

from signatures.models import Delivery

PDF, CSV, LEAVES, MANIFEST, READ_ME = (
    "letter-with-signatories.pdf", "signatories.csv", "leaves.csv", "manifest.json", "READ-ME.txt",
)  # fmt: skip
FILES = (PDF, CSV, LEAVES, MANIFEST, READ_ME)  # as they lie in the archive
DIGESTED = (PDF, CSV, LEAVES, READ_ME)
FORMAT = 1
ALGORITHM = "SHA-256; Merkle tree of RFC 9162 over leaves.csv; leaf = SHA-256(0x00 || salt || row), see READ-ME.txt"
COUNTS = (
    "delivered", "named", "counted_only", "waiting", "withdrawn", "rejected", "public_count", "organizations", "paper",
)  # fmt: skip


class MalformedManifest(Exception):
    """No manifest of ours; the message says why."""


@dataclass(frozen=True)
class Facts:
    """What is told of a delivery, as plain values. `texts` and `counts` are those of the frozen row."""

    letter: str
    number: int
    frozen_at: datetime
    order: str
    texts: list[dict[str, Any]]
    counts: dict[str, Any]
    # Of earlier deliveries, by their number, as they stood at the freezing: later ones would make other bytes.
    errata: Mapping[int, list[int]] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The name of the package's file."""
        return f"{self.letter}-{self.number}.zip"


def in_order(digests: Mapping[str, str]) -> list[tuple[str, str]]:
    """The package's files in their order, then the package; the database keeps them in none."""
    return sorted(digests.items(), key=lambda file: FILES.index(file[0]) if file[0] in FILES else len(FILES))


def facts_for(delivery: Delivery) -> Facts:
    """All from the frozen row, so that a package is the same whenever it is made."""
    return Facts(
        letter=delivery.letter.slug,
        number=delivery.number,
        frozen_at=delivery.frozen_at,
        order=delivery.order,
        texts=delivery.texts,
        counts=delivery.counts,
        errata={int(number): list(range(1, most + 1)) for number, most in delivery.counts["errata"].items()},
    )


def manifest_json(facts: Facts, *, root: str, files: Mapping[str, str]) -> bytes:
    """manifest.json: the same bytes for the same facts."""
    counts, since = facts.counts, facts.counts.get("since")
    body = {
        "format": FORMAT,
        "letter": facts.letter,
        "delivery": facts.number,
        "frozen_at": f"{facts.frozen_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "order": facts.order,
        "texts": [
            {
                "revision": text["revision"],
                "language": text["language"],
                "authoritative": text["authoritative"],
                "sha256": text["digest"],
            }
            for text in facts.texts
        ],
        "counts": {name: counts[name] for name in COUNTS} | {"revisions": counts["revisions"]},
        "since_last": {"delivery": since, "added": counts["added"], "gone": counts["gone"]} if since else None,
        "errata": {str(number): list(errata) for number, errata in sorted(facts.errata.items())},
        "files": {name: files[name] for name in DIGESTED},
        "root": root,
        "algorithm": ALGORITHM,
    }
    return (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode()


def read_me(facts: Facts, *, root: str, site: str) -> bytes:
    """READ-ME.txt: what lies here, and how anybody checks it without any program of ours."""
    counts = facts.counts
    words = {
        "letter": facts.letter,
        "number": str(facts.number),
        "frozen": f"{facts.frozen_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "root": root,
        "page": f"{site}/deliveries/{facts.letter}/{facts.number}/",
        **{name: f"{counts[name]:,}" for name in COUNTS},
    }
    return render_to_string("delivery/read-me.txt", words).encode()


def parse_manifest(content: bytes) -> dict[str, Any]:
    """The manifest of a package.

    Raises:
        Malformed: when it has another form.
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
    if not isinstance(counts, dict) or not all(_is_number(counts.get(name)) for name in COUNTS):
        raise MalformedManifest(f"it must count {', '.join(COUNTS)}")
    revisions = counts.get("revisions")
    if not isinstance(revisions, dict) or not all(map(_is_number, revisions.values())):
        raise MalformedManifest("it must count the signatures of each revision")
    if not all(isinstance(found.get(name), str) for name in ("letter", "root")) or not _is_number(
        found.get("delivery")
    ):
        raise MalformedManifest("it must name letter, delivery and root")
    return found


def _is_number(value: Any) -> bool:
    return type(value) is int and value >= 0
