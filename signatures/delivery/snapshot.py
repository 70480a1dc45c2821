"""The texts and counts of a letter as they are now. Freezing and exports read them together with the names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Count
from django.db.models.functions import Cast

from campaign.models import Letter, Translation
from signatures import counts
from signatures.models import Signature
from signatures.states import Kind, State


@contextmanager
def read_transaction() -> Iterator[None]:
    """A transaction whose queries all see the same moment, whatever is signed meanwhile (architecture, rule 10)."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def published_texts(letter: Letter) -> list[dict[str, Any]]:
    """Returns the published texts as `Delivery.texts` stores them: by revision and language, the oldest first.

    `signed` says of each whether an approved signature is of it.
    """
    published = Translation.objects.published().filter(revision__letter=letter)
    fields = ("revision", "language", "digest", "authoritative", "translation")
    columns = ("revision__number", "language", "digest", "authoritative", "pk")
    rows = published.order_by("revision__number", "language", "published_at", "pk").values_list(*columns)
    approved = Signature.objects.filter(letter=letter, state=State.APPROVED).order_by()
    signed = set(approved.values_list("translation", flat=True).distinct())
    return [dict(zip(fields, row, strict=True)) | {"signed": row[-1] in signed} for row in rows]


def rows_by_state(letter: Letter) -> dict[str, int]:
    """Returns the number of signatures in each state that has any."""
    return dict(Signature.objects.filter(letter=letter).values_list("state").annotate(Count("pk")))


def list_counts(letter: Letter) -> dict[str, Any]:
    """Returns the counts of the list as the statement names them: all from the rows, but the public count."""
    signatures = Signature.objects.filter(letter=letter)
    approved = signatures.filter(state=State.APPROVED)
    by_state = rows_by_state(letter)
    revisions = approved.values_list(Cast("translation__revision__number", CharField())).annotate(Count("pk"))
    return {
        "delivered": by_state.get(State.APPROVED, 0),
        "named": signatures.deliverable().count(),
        "counted_only": signatures.counted_only().count(),
        **{state.value: by_state.get(state, 0) for state in (State.WAITING, State.WITHDRAWN, State.REJECTED)},
        "public_count": counts.for_letter(letter.pk).total,
        "organizations": signatures.deliverable().filter(kind=Kind.ORGANIZATION).count(),
        "paper": approved.filter(paper=True).count(),
        "evidence": signatures.deliverable().filter(on_evidence=True).count(),
        "revisions": dict(revisions.order_by("translation__revision__number")),
    }
