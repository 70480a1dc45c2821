"""Which signatures a rule means: making it from what staff choose, and what it would take."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.functional import Promise
from psycopg2.errors import QueryCanceled

from campaign.models import Letter
from signatures import counts
from signatures.audit import audit_log
from signatures.models import BulkRule, Signature, SignatureQuerySet
from signatures.registries import AuditAction, Flag
from signatures.screening import rate_limits
from signatures.states import State
from signatures.values import email_addresses, patterns, sealing

AFFECTED_STATES = [State.UNCONFIRMED, State.WAITING, State.APPROVED]  # the others are left alone
EXAMPLES = 20


class InvalidRule(Exception):
    """What staff chose makes no rule; tells which field is wrong, and why."""

    def __init__(self, field: str, message: str | Promise) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Conditions:
    """What staff choose; all of it must hold. Of a mail domain and a network only digests are kept.

    `domain_of`, `network_of` and `similar_to` are numbers of signatures that the others must be like.
    """

    name_pattern: str = ""
    organization: str = ""
    domain: str = ""
    domain_of: int | None = None
    network: str = ""
    network_of: int | None = None
    country: str = ""
    language: str = ""
    signed_up_from: datetime | None = None
    signed_up_until: datetime | None = None
    flag: str = ""
    similar_to: int | None = None
    states: list[str] = field(default_factory=list)
    visibility: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would take at this moment."""

    cells: Mapping[tuple[str, str], int]  # by state and audience
    by_hand: int  # how many of them were approved by a person
    share: float  # of all that have not left or been rejected
    examples: list[int]  # numbers of signatures, drawn evenly

    @property
    def number(self) -> int:
        return sum(self.cells.values())


@transaction.atomic
def create(letter: Letter, conditions: Conditions, *, by: int, name: str, reason: str) -> BulkRule:
    """Write a rule down. It changes nothing before it is started.

    Raises:
        NotARule: without a name, a reason or a condition, or when one of these means nothing.
    """
    for which, text in (("name", name), ("reason", reason)):
        if not text.strip():
            raise InvalidRule(which, "Please fill this in: it is read by whoever looks at the rule later.")
    rule = BulkRule(
        letter=letter, name=name.strip(), reason=reason.strip(), made_by=by, country=conditions.country,
        language=conditions.language, flag=conditions.flag, visibility=conditions.visibility,
        states=[state for state in AFFECTED_STATES if state in conditions.states],
    )  # fmt: skip
    for which in ("name_pattern", "organization"):
        setattr(rule, which, _pattern(which, getattr(conditions, which)))
    rule.signed_up_from, rule.signed_up_until = _span(conditions)
    rule.domain = _domain(conditions)
    rule.networks = _networks(conditions)
    rule.by_network = bool(rule.networks)
    if conditions.similar_to is not None:
        rule.similar_to = conditions.similar_to
        rule.name_key = _part_of("similar_to", conditions.similar_to, "name_key")
    if not has_condition(rule):
        raise InvalidRule("", "Choose at least one condition: a rule without one would take the whole list.")
    rule.save()
    audit_log.record(
        AuditAction.RULE_MADE, staff_id=by, letter_id=letter.pk, reason=rule.reason, detail={"invalidation": rule.pk}
    )
    return rule


def has_condition(rule: BulkRule) -> bool:
    """Whether a rule says whom it means. State and audience only narrow it (SECURITY.md A6)."""
    text = (rule.name_pattern, rule.organization, rule.domain, rule.country, rule.language, rule.flag)
    return any(text) or rule.by_network or rule.signed_up_from is not None or rule.similar_to is not None


def _pattern(which: str, typed: str) -> str:
    if typed.strip() and not patterns.has_literal(typed):
        raise InvalidRule(which, "This would fit every name: write at least one letter.")
    return typed.strip()


def _span(conditions: Conditions) -> tuple[datetime | None, datetime | None]:
    since, until = conditions.signed_up_from, conditions.signed_up_until
    if (since is None) != (until is None):
        raise InvalidRule("signed_up_until" if until is None else "signed_up_from", "A span of time has two ends.")
    if since and until and since >= until:
        raise InvalidRule("signed_up_until", "The span ends before it begins.")
    return since, until


def _domain(conditions: Conditions) -> str:
    if conditions.domain_of is not None:
        return _part_of("domain_of", conditions.domain_of, "domains")
    typed = conditions.domain.strip().rpartition("@")[2].removeprefix("*.").strip(".")
    if not typed:
        return ""
    domain = email_addresses.domain_of(f"@{typed}")
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", domain):
        raise InvalidRule("domain", "This is no email domain. One looks like mailbot.example.")
    return sealing.domain_hash(domain, pepper=settings.EMAIL_HASH_PEPPER)


def _networks(conditions: Conditions) -> list[str]:
    if conditions.network_of is not None:
        return [_part_of("network_of", conditions.network_of, "network")]
    if not conditions.network.strip():
        return []
    try:
        return rate_limits.network_digests(conditions.network, timezone.now())
    except ValueError:
        raise InvalidRule(
            "network", "This is no address or network, or a network wider than a /16 (IPv6: a /56)."
        ) from None


_MISSING = {
    "name_key": "That signature has no name that others could be like, or is not confirmed.",
    "domains": "Of that signature no email domain is known.",
    "network": "Of that signature no network is known; it is forgotten after 72 hours.",
}


def _part_of(which: str, number: int, column: str) -> str:
    """What another signature has in this column, the mail domain without those it is part of."""
    signature = Signature.objects.filter(pk=number).first()
    if signature is None:
        raise InvalidRule(which, "There is no signature of this number.")
    found = getattr(signature, column)
    if not found:
        raise InvalidRule(which, _MISSING[column])
    return str(found if isinstance(found, str) else found[0])


def matching(rule: BulkRule) -> SignatureQuerySet:
    """The signatures that a rule would take at this moment. What it says of somebody who was forgotten fits nobody."""
    if not has_condition(rule) or (rule.similar_to is not None and not rule.name_key):
        return Signature.objects.none()
    rows = Signature.objects.filter(letter_id=rule.letter_id, state__in=rule.states or AFFECTED_STATES)
    rows = rows.exclude(state=State.UNCONFIRMED, flags__contains=[Flag.INVALIDATED])
    if rule.name_pattern:
        rows = rows.filter(name__regex=patterns.regex(rule.name_pattern))
    if rule.organization:
        rows = rows.filter(organization__regex=patterns.contains_regex(rule.organization))
    if rule.domain:
        rows = rows.filter(domains__contains=[rule.domain])
    if rule.by_network:
        rows = rows.filter(network__in=rule.networks)
    if rule.flag:
        rows = rows.filter(flags__contains=[rule.flag])
    if rule.signed_up_from and rule.signed_up_until:
        rows = rows.filter(signed_up_at__gte=rule.signed_up_from, signed_up_at__lt=rule.signed_up_until)
    for column in ("country", "language", "name_key", "visibility"):
        if value := getattr(rule, column):
            rows = rows.filter(**{column: value})
    return rows


# One walk over the rows: how many in each cell, and examples at even distances.
_PREVIEW = """
    WITH matched AS MATERIALIZED ({matching})
    SELECT state, visibility, count(*), count(*) FILTER (WHERE state = 'approved' AND EXISTS (
        SELECT FROM signatures_auditentry entry
        WHERE entry.signature_id = matched.id AND entry.action = 'approve' AND entry.staff_id IS NOT NULL
    )), NULL::bigint[]
    FROM matched GROUP BY state, visibility
    UNION ALL
    SELECT '', '', 0, 0, percentile_disc(%s::float[]) WITHIN GROUP (ORDER BY id) FROM matched
"""


def preview(rule: BulkRule) -> Preview:
    """How many a rule would take, by state and audience, with examples."""
    try:
        which, parameters = matching(rule).order_by().values("id", "state", "visibility").query.sql_with_params()
    except EmptyResultSet:
        return Preview({}, 0, 0.0, [])
    points = [place / (EXAMPLES - 1) for place in range(EXAMPLES)]
    with connection.cursor() as cursor:
        cursor.execute(_PREVIEW.format(matching=which), [*parameters, points])
        rows = cursor.fetchall()
    cells = {(state, audience): number for state, audience, number, *_rest in rows if state}
    drawn: list[int] = next((row[4] for row in rows if row[4]), [])
    figures = counts.for_letter(rule.letter_id)
    everybody = sum(figures.in_state(state) for state in AFFECTED_STATES)
    number = sum(cells.values())
    return Preview(
        cells=cells,
        by_hand=sum(row[3] for row in rows),
        share=number / everybody if everybody else 0.0,
        examples=sorted(set(drawn)),
    )


def save_preview(rule: BulkRule, *, within: float | None = None) -> bool:
    """Write the preview down beside the rule; False, and nothing, when that takes longer than so many seconds.

    Among a million it can take longer than a page may: then a job does it.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if within is not None:
                cursor.execute("SET LOCAL statement_timeout = %s", [int(within * 1000)])
            found = preview(rule)
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return False
        raise
    cells = [[state, audience, number] for (state, audience), number in found.cells.items()]
    rule.seen = {
        "number": found.number, "cells": cells, "by_hand": found.by_hand, "share": found.share,
        "examples": found.examples, "at": timezone.now().isoformat(),
    }  # fmt: skip
    rule.save(update_fields=["seen"])
    return True
