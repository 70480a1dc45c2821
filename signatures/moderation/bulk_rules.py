"""Bulk rules: creating one from the conditions that staff choose, and previewing which signatures it matches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet, Value
from django.utils import timezone
from psycopg2.errors import QueryCanceled

from campaign.models import Letter
from campaign.runtime.sql_files import load_sql
from signatures import counts
from signatures.audit import audit_log
from signatures.models import BulkRule, Signature, SignatureQuerySet, Submission
from signatures.moderation.decisions import named_subquery
from signatures.moderation.rule_origins import InvalidOrigin, OriginKind, read_origin
from signatures.registries import AuditAction, Flag
from signatures.states import RuleTarget, State
from signatures.values import patterns

EXAMPLES = 20

_PREVIEW = load_sql(__file__, "preview_bulk_rule.sql")


class InvalidRule(Exception):
    """The conditions make no rule. Holds the name of the field that is wrong (or "") and a message for staff."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions that staff choose; a signature must meet all of them.

    `similar_to` is the number of a signature with the same words in the name. `origin` is the proof of a button on the
    page of a signature with the same email domain or network (`rule_origins`), of which only keyed digests are stored.
    """

    name_pattern: str = ""
    organization: str = ""
    origin: str = ""
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
    """The signatures that a rule matches at one moment."""

    cells: Mapping[tuple[str, str], int]  # counts by state and visibility
    by_hand: int  # the number of those that a person approved
    share: float  # of all signatures of the letter in the affected states
    examples: list[int]  # numbers of signatures, picked at even distances

    @property
    def number(self) -> int:
        return sum(self.cells.values())


@transaction.atomic
def create(letter: Letter, conditions: Conditions, *, by: int, name: str, reason: str) -> BulkRule:
    """Create a rule. It changes no signature before it is started.

    Raises:
        InvalidRule: when name, reason or every condition is missing, or when a condition is not valid.
    """
    for field_name, text in (("name", name), ("reason", reason)):
        if not text.strip():
            raise InvalidRule(field_name, "Please fill this in, for whoever looks at the rule later.")
    rule = BulkRule(
        letter=letter, name=name.strip(), reason=reason.strip(), made_by=by, country=conditions.country,
        language=conditions.language, flag=conditions.flag, visibility=conditions.visibility,
        states=[target for target in RuleTarget if target in conditions.states],
    )  # fmt: skip
    for field_name in ("name_pattern", "organization"):
        setattr(rule, field_name, _pattern(field_name, getattr(conditions, field_name)))
    rule.signed_up_from, rule.signed_up_until = _span(conditions)
    if conditions.origin:
        _set_origin(rule, conditions.origin)
    if conditions.similar_to is not None:
        rule.similar_to = conditions.similar_to
        rule.name_key = _value_of("similar_to", conditions.similar_to, "name_key")
    if not has_condition(rule):
        raise InvalidRule("", "Choose at least one condition: a rule without one would match the whole list.")
    rule.save()
    audit_log.record(
        AuditAction.RULE_MADE, staff_id=by, letter_id=letter.pk, reason=rule.reason, detail={"rule": rule.pk}
    )
    return rule


def has_condition(rule: BulkRule) -> bool:
    """Whether a rule has a condition. State and visibility only narrow it (threat model A6)."""
    text = (rule.name_pattern, rule.organization, rule.domain, rule.country, rule.language, rule.flag)
    return (
        any(text)
        or rule.by_network
        or rule.by_mailbox
        or rule.signed_up_from is not None
        or rule.similar_to is not None
    )


def _pattern(field_name: str, typed: str) -> str:
    if typed.strip() and not patterns.has_literal(typed):
        raise InvalidRule(field_name, "This would match every name: write at least one letter.")
    return typed.strip()


def _span(conditions: Conditions) -> tuple[datetime | None, datetime | None]:
    since, until = conditions.signed_up_from, conditions.signed_up_until
    if (since is None) != (until is None):
        raise InvalidRule(
            "signed_up_until" if until is None else "signed_up_from", "Please give both the beginning and the end."
        )
    if since and until and since >= until:
        raise InvalidRule("signed_up_until", "The end is before the beginning.")
    return since, until


def _set_origin(rule: BulkRule, proof: str) -> None:
    try:
        origin = read_origin(proof, by=rule.made_by)
    except InvalidOrigin:
        raise InvalidRule("", "That button is too old: please open the page of the signature again.") from None
    match origin.kind:
        case OriginKind.DOMAIN:
            rule.domain = _value_of("", origin.signature_id, "domains")
        case OriginKind.NETWORK:
            rule.networks, rule.by_network = [_value_of("", origin.signature_id, "network")], True
        case OriginKind.MAILBOX:
            rule.mailbox, rule.by_mailbox = _value_of("", origin.signature_id, "mailbox"), True


_MISSING = {
    "name_key": "That signature has no name to compare others with, or is not confirmed.",
    "domains": "The email domain of that signature is not known.",
    "mailbox": "The mailbox of that signature is not known.",
    "network": "The network of that signature is not known; networks are deleted after 72 hours.",
}


def _value_of(field_name: str, signature_id: int, column: str) -> str:
    """Returns the value of this column in a signature; of its domains the first, without the parent domains."""
    signature = Signature.objects.filter(pk=signature_id).first()
    if signature is None:
        raise InvalidRule(field_name, "There is no signature with this number.")
    value = getattr(signature, column)
    if not value:
        raise InvalidRule(field_name, _MISSING[column])
    return str(value if isinstance(value, str) else value[0])


def matching(rule: BulkRule) -> SignatureQuerySet:
    """Returns the signatures that a rule matches now.

    A rule whose match criteria were blanked (`similar_to` without `name_key`, no `networks`) matches nobody.
    """
    states = set(rule.states or RuleTarget) & set(State)
    if not states or not has_condition(rule) or (rule.similar_to is not None and not rule.name_key):
        return Signature.objects.none()
    rows = _meeting_conditions(rule, Signature.objects.filter(state__in=states))
    return rows.filter(name_key=rule.name_key) if rule.name_key else rows


def matching_submissions(rule: BulkRule) -> QuerySet[Submission]:
    """Returns the submissions that a rule matches now and has not flagged yet. They have no key to compare names by."""
    is_chosen = RuleTarget.UNCONFIRMED in (rule.states or RuleTarget)
    if not is_chosen or not has_condition(rule) or rule.similar_to is not None:
        return Submission.objects.none()
    return _meeting_conditions(rule, Submission.objects.exclude(flags__contains=[Flag.INVALIDATED]))


def _meeting_conditions[Rows: QuerySet[Any]](rule: BulkRule, rows: Rows) -> Rows:
    rows = rows.filter(letter_id=rule.letter_id)
    if rule.name_pattern:
        rows = rows.filter(name__regex=patterns.regex(rule.name_pattern))
    if rule.organization:
        rows = rows.filter(organization__regex=patterns.contains_regex(rule.organization))
    if rule.domain:
        rows = rows.filter(domains__contains=[rule.domain])
    if rule.by_mailbox:
        rows = rows.filter(mailbox=rule.mailbox).exclude(mailbox="")
    if rule.by_network:
        rows = rows.filter(network__in=rule.networks)
    if rule.flag:
        rows = rows.filter(flags__contains=[rule.flag])
    if rule.signed_up_from and rule.signed_up_until:
        rows = rows.filter(signed_up_at__gte=rule.signed_up_from, signed_up_at__lt=rule.signed_up_until)
    for column in ("country", "language", "visibility"):
        if value := getattr(rule, column):
            rows = rows.filter(**{column: value})
    return rows


def preview(rule: BulkRule) -> Preview:
    """Returns the counts of the signatures that a rule matches now, by state and visibility, and examples."""
    columns = ("id", "state", "visibility")
    submissions = matching_submissions(rule).annotate(state=Value(RuleTarget.UNCONFIRMED.value))
    both = matching(rule).order_by().values(*columns).union(submissions.order_by().values(*columns), all=True)
    try:
        subquery, parameters = named_subquery(both)
    except EmptyResultSet:
        return Preview({}, 0, 0.0, [])
    parameters["fractions"] = [position / (EXAMPLES - 1) for position in range(EXAMPLES)]
    with connection.cursor() as cursor:
        cursor.execute(_PREVIEW.format(matching=subquery), parameters)
        rows = cursor.fetchall()
    cells = {(state, visibility): number for state, visibility, number, *_rest in rows if state}
    examples: list[int] = next(row[4] for row in rows if not row[0]) or []
    letter_counts = counts.for_letter(rule.letter_id)
    affected = letter_counts.in_state(State.WAITING, State.APPROVED)
    affected += Submission.objects.filter(letter_id=rule.letter_id).count()
    return Preview(
        cells=cells,
        by_hand=sum(row[3] for row in rows),
        share=sum(cells.values()) / affected if affected else 0.0,
        examples=sorted(set(examples)),
    )


def condition_names(rule: BulkRule) -> str:
    """Returns which conditions a rule has, without their values."""
    columns = (
        "name_pattern", "organization", "similar_to", "domain", "by_network", "by_mailbox", "country", "language",
        "flag", "signed_up_from", "states", "visibility",
    )  # fmt: skip
    return ", ".join(column for column in columns if getattr(rule, column))


def save_preview(rule: BulkRule, *, by: int | None, within: float | None = None) -> bool:
    """Save a new preview in the rule's row, with an audit entry: what it counts may tell something about signers.

    Among a million signatures it can take longer than a page may take; then a task does it.

    Returns whether the preview was saved `within` this many seconds; None is no limit.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (usual,) = cursor.fetchone()
            if within is not None:
                cursor.execute("SET LOCAL statement_timeout = %s", [int(within * 1000)])
            found = preview(rule)
            cursor.execute("SET LOCAL statement_timeout = %s", [usual])  # the default is none behind a pooler
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return False
        raise
    rule.seen = {
        "number": found.number,
        "cells": [[state, visibility, number] for (state, visibility), number in found.cells.items()],
        "by_hand": found.by_hand,
        "share": found.share,
        "examples": found.examples,
        "at": timezone.now().isoformat(),
    }
    with transaction.atomic():
        rule.save(update_fields=["seen"])
        detail: dict[str, str | int] = {"rule": rule.pk, "conditions": condition_names(rule), "number": found.number}
        audit_log.record(AuditAction.RULE_PREVIEWED, staff_id=by, letter_id=rule.letter_id, detail=detail)
    return True
