"""The verbs of a delivery: freeze a letter with its signatures, void it, hand it over, have it acknowledged."""

from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, Count, Exists, IntegerField, Max, OuterRef, Value, Window
from django.db.models.functions import Cast, RowNumber
from django.utils import timezone

from campaign.models import Letter, Translation
from signatures import counts
from signatures.audit import audit_log
from signatures.delivery.errata import add_errata
from signatures.models import Delivery, DeliveryEntry, Erratum, Signature
from signatures.registries import AuditAction
from signatures.states import State

# Whoever freezes waits here for whoever froze before, so that numbers run without a gap.
FREEZE_LOCK = 720_130_511

# One statement makes rows, salts and leaves, so that a million take seconds. The leaf is that of INTERFACES.md:
# SHA-256(0x00 || salt || the CSV row as a JSON list of texts, before the formula guard). PostgreSQL and Python write
# such a list alike (a test holds it to that).
_ROWS = """
    INSERT INTO signatures_deliveryentry (delivery_id, place, number, signature_id, kind, name, role, organization, country,
        signed_on, language, revision, is_featured, on_paper, salt, leaf)
    SELECT %s, row_number() OVER (ORDER BY number NULLS LAST, salt) - 1, number, id, kind, name, role, organization,
        country, signed_on, language, revision, is_featured, paper, salt,
        sha256('\\x00'::bytea || salt || convert_to(CASE WHEN number IS NULL THEN 'counted' ELSE '[' || concat_ws(',',
            to_json(number::text), to_json(kind), to_json(name), to_json(role), to_json(organization),
            to_json(country), to_json(coalesce(signed_on::text, '')), to_json(language), to_json(revision::text)
        ) || ']' END, 'UTF8'))
    FROM (
        SELECT s.id, chosen.number, s.kind, s.name, s.role, s.organization, s.language,
            CASE WHEN chosen.number IS NULL THEN '' ELSE s.country END AS country,
            CASE WHEN chosen.number IS NULL THEN NULL ELSE s.confirmed_at::date END AS signed_on,
            r.number AS revision, s.featured_position IS NOT NULL AS is_featured, s.paper,
            sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS salt
        FROM ({chosen}) AS chosen (id, number)
        JOIN signatures_signature s ON s.id = chosen.id
        JOIN campaign_translation t ON t.id = s.translation_id
        JOIN campaign_revision r ON r.id = t.revision_id
    ) AS read
"""


class DeliveryNotAllowed(Exception):
    """The delivery, or the letter, is not where this can be done; the message is one sentence for staff."""


class CountsDiffer(Exception):
    """The figures do not agree with the rows: nothing is frozen before that is mended (DESIGN.md, rule 10)."""


def freeze(letter: Letter, *, by: int | None, reason: str) -> Delivery:
    """Freeze the letter's published texts and its approved signatures as they read at one moment, and count them.

    The trail entry is committed with it, before any file is made (E4).

    Raises:
        NotAllowed: when no text is published, nobody is approved, or no reason is given.
        CountsDiffer: when the figures are not those of the rows.
    """
    if not reason.strip():
        raise DeliveryNotAllowed("A delivery needs a reason.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [FREEZE_LOCK])
        try:
            with transaction.atomic(durable=True):
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                return _freeze(letter, by, reason.strip()[:300])
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [FREEZE_LOCK])


def _freeze(letter: Letter, by: int | None, reason: str) -> Delivery:
    texts = _texts(letter)
    if not texts:
        raise DeliveryNotAllowed("The letter has no published text.")
    figures = _counts(letter)
    if not figures["delivered"]:
        raise DeliveryNotAllowed("Nobody's signature is approved yet.")
    last = Delivery.objects.filter(letter=letter).aggregate(Max("number"))["number__max"] or 0
    delivery = Delivery.objects.create(
        letter=letter,
        number=last + 1,
        frozen_at=timezone.now(),
        frozen_by=by,
        reason=reason,
        order=letter.order,
        letterhead=letter.letterhead or {},
        texts=texts,
        counts=figures,
    )
    mine = Signature.objects.filter(letter=letter)
    in_order: Any = mine.in_order(letter.order).query.order_by
    place = Window(RowNumber(), order_by=list(in_order))
    named = mine.deliverable().annotate(place=Cast(place, IntegerField())).values_list("pk", "place")
    counted = mine.counted_only().values_list("pk", Value(None, output_field=IntegerField()))
    which, values = named.union(counted, all=True).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(chosen=which), [delivery.pk, *values])
        if cursor.rowcount != figures["delivered"]:
            raise CountsDiffer(f"{cursor.rowcount} rows, and {figures['delivered']} counted")
    detail = {"delivery": delivery.pk, "number": delivery.number, "delivered": figures["delivered"]}
    audit_log.record(AuditAction.FREEZE, staff_id=by, letter_id=letter.pk, reason=reason, detail=detail)
    return delivery


def _texts(letter: Letter) -> list[dict[str, Any]]:
    published = Translation.objects.filter(revision__letter=letter, published_at__isnull=False)
    fields = ("revision", "language", "digest", "authoritative", "translation")
    rows = published.order_by("revision__number", "language").values_list(
        "revision__number", "language", "digest", "authoritative", "pk"
    )
    return [dict(zip(fields, row, strict=True)) for row in rows]


def _counts(letter: Letter) -> dict[str, Any]:
    """What the manifest tells, and what is new since the last delivery.

    Raises:
        CountsDiffer: when tally and rows do not agree.
    """
    mine = Signature.objects.filter(letter=letter)
    approved = mine.filter(state=State.APPROVED)
    by_state = dict(mine.values_list("state").annotate(Count("pk")))
    tally = counts.for_letter(letter.pk)
    revisions = approved.values_list(Cast("translation__revision__number", CharField())).annotate(Count("pk"))
    before = Delivery.objects.filter(letter=letter).exclude(state=Delivery.State.VOID).order_by("number").last()
    there = DeliveryEntry.objects.filter(delivery=before) if before else DeliveryEntry.objects.none()
    errata = Erratum.objects.filter(delivery__letter=letter).values_list("delivery__number").annotate(Count("pk"))
    found = {
        "delivered": approved.count(),
        "named": mine.deliverable().count(),
        "counted_only": mine.counted_only().count(),
        **{state.value: by_state.get(state, 0) for state in (State.WAITING, State.WITHDRAWN, State.REJECTED)},
        "public_count": tally.total,
        "organizations": mine.deliverable().filter(kind="organization").count(),
        "paper": approved.filter(paper=True).count(),
        "revisions": dict(revisions.order_by("translation__revision__number")),
        "errata": {str(number): most for number, most in errata},
        "since": before.number if before else None,
        "added": approved.exclude(pk__in=there.values("signature_id")).count() if before else 0,
        "gone": there.exclude(signature_id__in=approved.values("pk")).count() if before else 0,
    }
    if (
        found["delivered"] != found["named"] + found["counted_only"]
        or (tally.delivered, tally.named, tally.counted_only)
        != (found["delivered"], found["named"], found["counted_only"])
        or any(tally.in_state(state) != by_state.get(state, 0) for state in State)
    ):
        raise CountsDiffer("The counts of the letter are not those of its rows; run `manage.py reconcile`.")
    return found


@transaction.atomic
def void(delivery: Delivery, *, by: int | None, reason: str) -> Delivery:
    """Call back a delivery that was frozen by mistake; it stays on record with its reason. Its making is stopped.

    Raises:
        NotAllowed: once it is handed over, or when no reason is given.
    """
    if not reason.strip():
        raise DeliveryNotAllowed("To void a delivery needs a reason.")
    locked = _lock(delivery, Delivery.State.FROZEN, Delivery.State.READY)
    return _move(
        locked, Delivery.State.VOID, by=by, action=AuditAction.VOID, void_reason=reason.strip()[:300], stopped=True
    )


@transaction.atomic
def hand_over(delivery: Delivery, *, by: int | None, on: date, to: str, at: str = "", note: str = "") -> Delivery:
    """It was handed over: when, where, to whom. Who took the name back since the freezing is an erratum at once.

    Raises:
        NotAllowed: unless its files are ready.
    """
    locked = _lock(delivery, Delivery.State.READY)
    add_errata(locked, withdrawn_since(locked))
    fields = {"handed_over_on": on, "handed_over_to": to, "handed_over_at": at, "note": note}
    return _move(locked, Delivery.State.HANDED_OVER, by=by, action=AuditAction.HAND_OVER, **fields)


@transaction.atomic
def acknowledge(delivery: Delivery, *, by: int | None, on: date) -> Delivery:
    """The recipient's side took it. From this day kept addresses have `RETENTION_MONTHS` to go.

    Raises:
        NotAllowed: unless it was handed over.
    """
    locked = _lock(delivery, Delivery.State.HANDED_OVER)
    Letter.objects.filter(pk=locked.letter_id).update(acknowledged_on=on)
    return _move(locked, Delivery.State.ACKNOWLEDGED, by=by, action=AuditAction.ACKNOWLEDGE, acknowledged_on=on)


def withdrawn_since(delivery: Delivery) -> int:
    """How many took their name back, or erased it, since this delivery was frozen."""
    stands = Signature.objects.filter(pk=OuterRef("signature_id")).exclude(state=State.WITHDRAWN)
    return delivery.rows.filter(~Exists(stands)).count()


def _lock(delivery: Delivery, *states: Delivery.State) -> Delivery:
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if locked.state not in states:
        raise DeliveryNotAllowed(f"The delivery is {locked.get_state_display()}.")
    return locked


def _move(locked: Delivery, to: Delivery.State, *, by: int | None, action: AuditAction, **fields: Any) -> Delivery:
    audit_log.record(
        action,
        staff_id=by,
        letter_id=locked.letter_id,
        reason=fields.get("void_reason", ""),
        detail={"delivery": locked.pk, "number": locked.number},
        was=locked.state,
        now=to,
    )
    locked.state = to
    for field, value in fields.items():
        setattr(locked, field, value)
    locked.save(update_fields=["state", *fields])
    return locked
