"""What a delivery proves: statement.json, whose SHA-256 is the digest of the delivery. files.json lists its files.

Both are canonical JSON (RFC 8785), so that the same content has the same bytes everywhere. PDF and CSV may be made
anew, when somebody is erased or the fonts are others; the statement never is.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import rfc8785
from django.conf import settings
from django.template.loader import render_to_string

from campaign import VERSION
from campaign.letters.operators import operator_of
from signatures.delivery import frozen_texts
from signatures.delivery.merkle import Tree
from signatures.models import Delivery, DeliveryEdition
from signatures.models.delivery import FORMAT

PDF, CSV, LEAVES, STATEMENT, FILES, READ_ME = (
    "letter-with-signatories.pdf", "signatories.csv", "leaves.csv", "statement.json", "files.json", "READ-ME.txt",
)  # fmt: skip
COUNTERSIGNATURE, TIME_STAMP = f"{STATEMENT}.auditor.minisig", "statement.tsr"
SIGNATURE = ".minisig"  # after the name of a file that is signed
COUNTS = (
    "delivered", "named", "counted_only", "waiting", "withdrawn", "rejected", "public_count", "organizations",
)  # fmt: skip
BREAKDOWNS = (
    "by_source", "by_revision", "by_language", "by_country", "by_week", "by_flag", "by_decision",
)  # fmt: skip
SOFTWARE = f"undersigned {VERSION}"


def canonical(value: Any) -> bytes:
    """Returns the canonical JSON (RFC 8785) of a value without floating-point numbers."""
    return rfc8785.dumps(value)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def page_of(delivery: Delivery) -> str:
    """Returns the address of its public page."""
    return f"{settings.SITE_URL}/deliveries/{delivery.slug}/{delivery.number}/"


def statement_json(
    delivery: Delivery,
    *,
    tree: Tree,
    title: str,
    texts: Iterable[Mapping[str, Any]],
    previous: str | None,
    key: str | None,
) -> bytes:
    """Returns statement.json: all that is proved.

    Args:
        delivery: of this format.
        tree: over its leaves.
        title: of the letter.
        texts: as `frozen_texts.in_package` returns them.
        previous: the digest of the delivery before, if there is one with a statement.
        key: the public key with which it is signed.
    """
    counts, method = delivery.counts, delivery.method
    operator = operator_of(delivery.letter)
    return canonical({
        "format": FORMAT,
        "software": SOFTWARE,
        "organization": {"name": operator.name, "contact": operator.contact},
        "site": settings.SITE_URL,
        "letter": {"slug": delivery.slug, "title": title, "recipient": delivery.letter.recipient},
        "number": delivery.number,
        "frozen_at": utc(delivery.frozen_at),
        "order": delivery.order,
        "texts": [
            {
                "language": text["language"], "revision": text["revision"], "authoritative": text["authoritative"],
                "sha256": text["digest"], "file": text["file"],
            }
            for text in texts
        ],
        "method": {name: method[name] for name in ("moderation", "confirmed", "looked_at")},
        "counts": {name: counts[name] for name in COUNTS} | {name: method[name] for name in BREAKDOWNS},
        "since_last": (
            {"delivery": counts["since"], "added": counts["added"], "gone": counts["gone"]} if counts["since"] else None
        ),
        "errata": method["errata"],
        "previous": previous,
        "list": {"root": tree.root.hex(), "leaves": tree.size},
        "key": key,
    })  # fmt: skip


def files_json(edition: DeliveryEdition, erasures: Iterable[Mapping[str, Any]]) -> bytes:
    """Returns files.json of an edition, whose `files` are known.

    Args:
        edition: of the files.
        erasures: place, number, time and erratum of each entry without words, by place.
    """
    return canonical({
        "format": FORMAT,
        "statement": edition.delivery.digest,
        "edition": edition.number,
        "made_at": utc(edition.made_at),
        "reason": edition.reason,
        "erasures": [
            {
                "place": each["place"], "number": each["number"], "at": utc(each["at"]), "erratum": each["erratum"],
            }
            for each in erasures
        ],
        "files": edition.files,
    })  # fmt: skip


def read_me(delivery: Delivery, names: Collection[str]) -> bytes:
    """Returns READ-ME.txt: what the package holds, and how anybody checks it without this program.

    Args:
        delivery: with its statement.
        names: of the files that the package has beside it.
    """
    claims = delivery.claims
    words = {
        "statement": claims,
        "not_looked_at": claims["counts"]["delivered"] - claims["method"]["looked_at"],
        "rule_changed": delivery.method.get("rule_changed"),
        "printed": frozen_texts.printed(delivery),
        "of_other_texts": frozen_texts.of_other_texts(delivery),
        "digest": delivery.digest,
        "page": page_of(delivery),
        "is_countersigned": COUNTERSIGNATURE in names,
        "is_time_stamped": TIME_STAMP in names,
        "holds_corrected": any(text["ordinal"] for text in frozen_texts.in_package(delivery)),
    }
    return render_to_string("delivery/read-me.txt", words).encode()
