"""What a statement counts beside the totals: how the signatures were confirmed and decided, and where they come from.

Breakdowns are of the named rows, so that anybody can count them again in signatories.csv: of somebody who is counted
only, they tell nothing. Receipts hold the statement, so each signer reads it, and the list of names only the recipient:
small numbers by language, country and week are added up under `OTHERS` (threat model P4).
"""

from datetime import UTC
from typing import Any

from django.db.models import CharField, Count, Exists, F, Func, Min, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast

from campaign.models import Translation
from signatures.delivery.errata import kinds_of_errata
from signatures.models import AuditEntry, Delivery, DeliveryEntry, Signature
from signatures.monitoring import method
from signatures.monitoring.small_numbers import hide_small
from signatures.registries import AuditAction
from signatures.states import Source, State

# With what a person of staff decided on one signature, and let it stand.
DECIDED = (AuditAction.APPROVE, AuditAction.CONFIRM_ON_EVIDENCE)
BY_RULE = "-by-rule"  # after the code of what no person did
OTHERS = "*"
ISO_WEEK = 'IYYY"-W"IW'


def counted(delivery: Delivery) -> dict[str, Any]:
    """Returns `Delivery.method` of a delivery whose entries were just written, in the same transaction.

    Small numbers by flag are left out, as in the statement of method (threat model P4).
    """
    named = delivery.rows.order_by().filter(number__isnull=False)
    # They are those of the entries. Joined to these, which PostgreSQL takes for few so shortly after they were written,
    # each signature would be looked up by itself.
    delivered = Signature.objects.filter(letter=delivery.letter_id, state=State.APPROVED).order_by()
    decided = AuditEntry.objects.filter(signature_id=OuterRef("pk"), action__in=DECIDED, staff_id__isnull=False)
    return {
        "moderation": delivery.letter.moderation,
        "confirmed": _confirmed(delivered),
        "looked_at": delivered.filter(Exists(decided)).count(),
        "by_source": dict.fromkeys(Source.values, 0) | _counted_by(named, F("source")),
        "by_revision": _counted_by(named, Cast("revision", CharField())),
        "by_language": _small_together(_counted_by(named, F("language"))),
        "by_country": _small_together(_counted_by(named, F("country"))),
        "by_week": _small_together(
            _counted_by(named, Func("signed_on", Value(ISO_WEEK), function="to_char", output_field=CharField()))
        ),
        "by_flag": _without_small(dict(method.flags(delivered))),
        "by_decision": {
            f"{action.value}{'' if is_person else BY_RULE}": number
            for action, is_person, number in method.decisions(delivery.letter_id, delivery.frozen_at)
        },
        "rule_changed": _rule_changed(delivery),  # for READ-ME.txt alone
        # For the statement of method alone; the statement of the delivery has none of it.
        "events_by_country": method.events_by_country(delivery.letter_id, delivery.frozen_at),
        "errata": [
            {"delivery": earlier.number, **kinds_of_errata(earlier)}
            for earlier in Delivery.objects.filter(letter=delivery.letter_id, errata__isnull=False)
            .distinct()
            .order_by("number")
        ],
    }


def _rule_changed(delivery: Delivery) -> list[str]:
    """Returns the days (UTC) on which `Letter.moderation` was another than before, once the letter was published.

    The statement has the rule of the moment of freezing alone. The reason of such an audit entry is names of fields,
    with their values where these are choices: see `audit.admin_mixins`.
    """
    published = Translation.objects.published().filter(revision__letter=delivery.letter_id)
    changes = AuditEntry.objects.filter(
        action=AuditAction.SET_LETTER,
        letter_id=delivery.letter_id,
        at__range=(published.aggregate(at=Min("published_at"))["at"], delivery.frozen_at),
        reason__regex=r"(^|, )moderation(:|,|$)",
    )
    days = (f"{at.astimezone(UTC):%Y-%m-%d}" for at in changes.order_by("at", "pk").values_list("at", flat=True))
    return list(dict.fromkeys(days))


def _confirmed(delivered: QuerySet[Signature]) -> dict[str, int]:
    """Returns how the delivered signatures were confirmed, those that are counted only among them."""
    found = delivered.aggregate(
        paper=Count("pk", filter=Q(paper=True)), evidence=Count("pk", filter=Q(on_evidence=True)), all=Count("pk")
    )
    return {
        "email": found["all"] - found["paper"] - found["evidence"],
        "paper": found["paper"],
        "evidence": found["evidence"],
    }


def _counted_by(entries: QuerySet[DeliveryEntry], key: Any) -> dict[str, int]:
    return {value or "": number for value, number in entries.annotate(key=key).values_list("key").annotate(Count("pk"))}


def _without_small(numbers: dict[str, int]) -> dict[str, int]:
    names = sorted(numbers)
    shown = hide_small([numbers[name] for name in names])
    return {name: number for name, number in zip(names, shown, strict=True) if number}


def _small_together(numbers: dict[str, int]) -> dict[str, int]:
    shown = _without_small(numbers)
    hidden = sum(numbers.values()) - sum(shown.values())
    return shown | ({OTHERS: hidden} if hidden else {})
