"""Bulk rules and signatures for the tests of them."""

import itertools
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from campaign.models import Letter
from signatures import counts
from signatures.models import BulkRule, Signature, Submission
from signatures.moderation import bulk_rule_runs, bulk_rules
from signatures.moderation.bulk_rules import Conditions
from signatures.moderation.rule_origins import Origin, OriginKind
from signatures.states import State, Visibility
from signatures.values import sealing
from tests.factories import make_signature

BOT = "Bot Petrow"
ENDED = {State.WITHDRAWN, State.REJECTED}
Step = BulkRule.Step


def key_of(domain: str) -> str:
    return sealing.domain_hash(domain, pepper=settings.EMAIL_HASH_PEPPER)


def make_signatures_of_all_kinds(letter: Letter, times: int = 2) -> None:
    """Signatures of every state and visibility, and submissions, flagged and not.

    Every second one has the email domain of the bots.
    """
    like = make_signature(letter, BOT)
    flags: list[list[str]] = [[], ["rate"], ["hold", "rate"]]
    cells = itertools.product(range(times), [*State, None], Visibility, flags, ("bots.example", "post.example"))
    signatures, submissions = [], []
    for number, (_time, state, visibility, raised, domain) in enumerate(cells):
        is_blank = state == State.WITHDRAWN
        has_words = not is_blank and visibility != Visibility.COUNTED
        columns: dict[str, Any] = {
            "letter_id": letter.pk,
            "translation_id": like.translation_id,
            "visibility": visibility,
            "address_hash": number.to_bytes(32),
            "language": "en",
            "signed_up_at": like.signed_up_at,
            "name": f"Signer {number:04d}" if has_words else "",
            "flags": [] if is_blank else raised,
            "domains": [] if is_blank else [key_of(domain)],
        }
        if state is None:
            submissions.append(Submission(**columns))
            continue
        columns |= {"state": state, "confirmed_at": like.confirmed_at, "place": None if is_blank else 1}
        signatures.append(Signature(**columns, approved_on=like.approved_on if state == State.APPROVED else None))
    Signature.objects.bulk_create(signatures)
    Submission.objects.bulk_create(submissions)
    like.delete()


def rule_of(letter: Letter, by: User, **conditions: Any) -> BulkRule:
    return bulk_rules.create(letter, Conditions(**conditions), by=by.pk, name="Flood", reason="Made by a program")


def origin_of(signature: Signature | Submission, kind: str, by: User) -> str:
    """The proof that a button on the page of this signature carries."""
    return Origin(OriginKind(kind), signature.pk).sign(by=by.pk)


def origin_of_bots(by: User) -> str:
    bot = Signature.objects.filter(domains=[key_of("bots.example")]).first()
    assert bot is not None
    return origin_of(bot, "domain", by)


def start(rule: BulkRule, by: User) -> BulkRule:
    number = bulk_rules.preview(rule).number
    return bulk_rule_runs.start(rule, by=by.pk, shown=number, typed=number)


def run_to_end(rule: BulkRule, by: User) -> BulkRule:
    start(rule, by)
    assert not bulk_rule_runs.run(rule.pk)
    return fresh(rule)


def undo_to_end(rule: BulkRule, by: User) -> BulkRule:
    bulk_rule_runs.undo(rule, by=by.pk)
    assert not bulk_rule_runs.run(rule.pk)
    return fresh(rule)


def fresh(rule: BulkRule) -> BulkRule:
    rule.refresh_from_db()
    return rule


def everything() -> dict[int, dict[str, Any]]:
    """Every column of every signature and submission.

    But for the minute of a name that comes back: it enters at a step of time (S38). And for the sealed address for
    questions, which a decision drops for good (R13), and
    what a duty makes of the name.
    """
    return {
        row["id"]: {
            name: bytes(v) if isinstance(v, memoryview) else v
            for name, v in row.items()
            if name not in {"public_from", "question_address", "name_key", "sort_key", "search_text"}
        }
        for row in itertools.chain(Signature.objects.values(), Submission.objects.values())
    }


def counted(letter: Letter) -> dict[tuple[str, str, bool, str], int]:
    """Returns the counts of the letter, after comparing them with its rows."""
    stored = counts.for_letter(letter.pk).cells
    rows = Signature.objects.filter(letter=letter).values_list("state", "visibility", "flags", "kind")
    recount: dict[tuple[str, str, bool, str], int] = {}
    for state, visibility, flags, kind in rows:
        cell = (state, visibility, bool(flags), kind)
        recount[cell] = recount.get(cell, 0) + 1
    assert stored == recount
    return dict(stored)


def fresh_state(row: Signature) -> str:
    row.refresh_from_db()
    return row.state
