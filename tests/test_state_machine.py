"""Random sequences of what strangers, signers and staff do: states and counts stay right."""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from campaign.models import Letter, Translation
from signatures import counts, retention, transitions
from signatures.models import OutboxMail, Signature, Submission, Tombstone
from signatures.moderation import decisions
from signatures.signing import changes, confirmation, replacement, submission, withdrawal
from signatures.signing.signer_input import SignerInput
from signatures.values import sealing
from tests import single_decisions
from tests.factories import make_letter, signer_input

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
PARTS = 4  # so that the processes of a run share the work
# `.ci/run` asks for more than a thousand, which take some minutes.
SEQUENCES = int(os.environ.get("STATE_MACHINE_SEQUENCES", "160")) // PARTS

MAILBOXES = st.sampled_from([f"{who}@example.org" for who in ("ada", "ben")])
WHICH = st.integers(0, 5)  # of the submissions or signatures of a mailbox
VISIBILITIES = st.sampled_from(["public", "delivery", "counted"])
NAMES = st.sampled_from(["Ada", "Ben", "Mallory"])
FLAGS = st.sampled_from([(), (), (), ("trap",), ("link",)])
CONFIRMED = {"waiting", "approved", "rejected"}
OF_WORDS = {"link"}


@dataclass(frozen=True)
class Typed:
    """A submission, by the rules of the architecture, not by the code."""

    mailbox: str
    name: str
    visibility: str
    updates: bool
    flags: frozenset[str]
    days: int = 0  # ago


@dataclass(frozen=True)
class Signed:
    """A signature, by the same rules."""

    mailbox: str
    state: str
    name: str
    visibility: str
    flags: frozenset[str]
    updates: bool
    last: tuple[str, str] = ("", "")  # the last action in the audit log, and the state before it


@dataclass
class Expected:
    typed: dict[int, Typed] = field(default_factory=dict)
    signed: dict[int, Signed] = field(default_factory=dict)
    erased: dict[str, frozenset[str]] = field(default_factory=dict)  # the flags that an erased signature leaves
    letter: str = "open"  # or closed, or closed for long
    moderated_after: bool = False


class Everybody(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.letter = make_letter()
        self.text = Translation.objects.select_related("revision__letter").get()
        self.expected = Expected()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def input(self, name: str, visibility: str) -> SignerInput:
        return signer_input(self.text, name="" if visibility == "counted" else name, visibility=visibility)

    @staticmethod
    def key(mailbox: str) -> bytes:
        return sealing.address_hash(mailbox, pepper=site_settings.EMAIL_HASH_PEPPER)

    def pick(self, rows: dict[int, Any], mailbox: str, which: int) -> int | None:
        numbers = sorted(number for number, row in rows.items() if row.mailbox == mailbox)
        return numbers[which % len(numbers)] if numbers else None

    def attempt(self, is_allowed: bool, action: Any, *rows: Any, **details: Any) -> bool:
        """Do it; it goes through exactly where it may, and where it may not, nothing changes."""
        if is_allowed:
            action(*rows, **details)
        else:
            with pytest.raises(transitions.TransitionNotAllowed), transaction.atomic():
                action(*rows, **details)
        return is_allowed

    def decided(self, visibility: str, flags: frozenset[str]) -> str:
        return "approved" if (visibility == "counted" or self.expected.moderated_after) and not flags else "waiting"

    def standing(self, mailbox: str) -> list[Signed]:
        rows = self.expected.signed.values()
        return [row for row in rows if row.mailbox == mailbox and row.state != "withdrawn"]

    def gathered(self, number: int) -> frozenset[str]:
        """The flags that this submission cannot get rid of, whatever words it is confirmed with."""
        mine = self.expected.typed[number]
        others = [row for each, row in self.expected.typed.items() if row.mailbox == mine.mailbox and each != number]
        left = [
            row for row in self.expected.signed.values() if row.mailbox == mine.mailbox and row.state == "withdrawn"
        ]
        erased = self.expected.erased.get(mine.mailbox, frozenset())
        rows: list[Typed | Signed] = [*others, *left]
        return (mine.flags - OF_WORDS) | erased | frozenset(flag for row in rows for flag in row.flags)

    # Strangers

    @rule(mailbox=MAILBOXES, name=NAMES, visibility=VISIBILITIES, flags=FLAGS, updates=st.booleans())
    def submit(self, mailbox: str, name: str, visibility: str, flags: tuple[str, ...], updates: bool) -> None:
        if self.expected.letter != "open":
            return
        before = set(Submission.objects.values_list("pk", flat=True))
        submission.submit(self.input(name, visibility), address=mailbox, updates=updates, flags=flags)
        new = set(Submission.objects.values_list("pk", flat=True)) - before
        typed = Typed(mailbox, "" if visibility == "counted" else name, visibility, updates, frozenset(flags))
        waiting = {number: row for number, row in self.expected.typed.items() if row.mailbox == mailbox}
        for number, row in waiting.items():
            if replace(row, flags=typed.flags, days=0) == typed:
                assert not new
                self.expected.typed[number] = replace(row, flags=row.flags | typed.flags)
                return
        assert len(new) == (len(waiting) < Submission.MAX_PLACES)
        self.expected.typed |= dict.fromkeys(new, typed)

    @rule(mailbox=MAILBOXES)
    def ask_for_the_links(self, mailbox: str) -> None:
        submission.send_personal_links([self.letter], address=mailbox, language="en")

    # Owners of mailboxes

    @rule(mailbox=MAILBOXES, which=WHICH, name=NAMES, visibility=VISIBILITIES, flags=FLAGS)
    def confirm(self, mailbox: str, which: int, name: str, visibility: str, flags: tuple[str, ...]) -> None:
        number = self.pick(self.expected.typed, mailbox, which)
        if number is None:
            return
        typed, new_name = self.expected.typed[number], "" if visibility == "counted" else name
        standing = self.standing(mailbox)
        in_the_way = [row for row in standing if not row.name or not new_name or row.name == new_name]
        has_place = not in_the_way and len(standing) < 2
        all_flags = self.gathered(number) | set(flags)
        for row in standing:
            all_flags |= row.flags | ({"rejected-before"} if row.state == "rejected" else set())
        if self.attempt(
            has_place and self.expected.letter != "closed for long",
            confirmation.confirm, Submission.objects.get(pk=number), self.input(name, visibility), flags=flags,
        ):  # fmt: skip
            state = self.decided(visibility, all_flags)
            self.expected.signed[number] = Signed(
                mailbox, state, new_name, visibility, all_flags, typed.updates, ("confirm", "")
            )
            del self.expected.typed[number]

    @rule(mailbox=MAILBOXES, which=WHICH, other=WHICH, name=NAMES, visibility=VISIBILITIES, flags=FLAGS)
    def replace_words(
        self, mailbox: str, which: int, other: int, name: str, visibility: str, flags: tuple[str, ...]
    ) -> None:
        number, target = self.pick(self.expected.typed, mailbox, which), self.pick(self.expected.signed, mailbox, other)
        if number is None or target is None:
            return
        rows = Submission.objects.get(pk=number), Signature.objects.get(pk=target)
        is_allowed = self.may_be_called(target, name, visibility) and self.expected.letter != "closed for long"
        if self.attempt(is_allowed, replacement.replace, *rows, self.input(name, visibility), flags=flags):
            typed = self.expected.typed[number]
            self.change_expected(target, name, visibility, flags, self.gathered(number), typed.updates)
            self.delete_expected(number)

    @rule(mailbox=MAILBOXES, which=WHICH, other=WHICH)
    def keep(self, mailbox: str, which: int, other: int) -> None:
        number, target = self.pick(self.expected.typed, mailbox, which), self.pick(self.expected.signed, mailbox, other)
        if number is None or target is None:
            return
        rows = Submission.objects.get(pk=number), Signature.objects.get(pk=target)
        if self.attempt(self.expected.signed[target].state in CONFIRMED, replacement.keep, *rows):
            self.delete_expected(number)

    def delete_expected(self, number: int) -> None:
        typed = self.expected.typed.pop(number)
        self.expected.erased[typed.mailbox] = self.expected.erased.get(typed.mailbox, frozenset()) | typed.flags

    def may_be_called(self, number: int, name: str, visibility: str) -> bool:
        row = self.expected.signed[number]
        others = [each for key, each in self.expected.signed.items() if key != number and each.mailbox == row.mailbox]
        is_taken = any(each.name == name and each.state != "withdrawn" for each in others)
        return row.state in CONFIRMED and (visibility == "counted" or name == row.name or not is_taken)

    @rule(mailbox=MAILBOXES, which=WHICH, name=NAMES, visibility=VISIBILITIES, flags=FLAGS)
    def change(self, mailbox: str, which: int, name: str, visibility: str, flags: tuple[str, ...]) -> None:
        number = self.pick(self.expected.signed, mailbox, which)
        if number is None:
            return
        is_allowed = self.may_be_called(number, name, visibility)
        row = Signature.objects.get(pk=number)
        if self.attempt(is_allowed, changes.change, row, self.input(name, visibility), flags=flags):
            self.change_expected(number, name, visibility, flags, frozenset(), False)

    def change_expected(
        self, number: int, name: str, visibility: str, flags: tuple[str, ...], gathered: frozenset[str], updates: bool
    ) -> None:
        old = self.expected.signed[number]
        new_name = "" if visibility == "counted" else name
        all_flags, state = old.flags, old.state
        is_reworded = bool(new_name) and new_name != old.name
        if is_reworded:
            all_flags = (old.flags - OF_WORDS) | set(flags)
        all_flags |= gathered
        if is_reworded or all_flags - old.flags or old.state == "waiting":
            all_flags |= {"rejected-before"} if old.state == "rejected" else set()
            state = self.decided(visibility, all_flags)
        new = replace(
            old, state=state, name=new_name, visibility=visibility, flags=all_flags, updates=old.updates or updates
        )
        # An address that is kept anew is another sealed box, so that this is a change, too.
        self.expected.signed[number] = old if new == old and not updates else replace(new, last=("change", old.state))

    @rule(mailbox=MAILBOXES, which=WHICH)
    def withdraw(self, mailbox: str, which: int) -> None:
        if (number := self.pick(self.expected.signed, mailbox, which)) is None:
            return
        old = self.expected.signed[number]
        if self.attempt(old.state != "withdrawn", withdrawal.withdraw, Signature.objects.get(pk=number)):
            self.expected.signed[number] = replace(
                old, state="withdrawn", name="", updates=False, flags=self.left_flags(old), last=("withdraw", old.state)
            )

    @staticmethod
    def left_flags(row: Signed) -> frozenset[str]:
        return row.flags | ({"rejected-before"} if row.state == "rejected" else set())

    @rule(mailbox=MAILBOXES, which=WHICH)
    def erase(self, mailbox: str, which: int) -> None:
        if (number := self.pick(self.expected.signed, mailbox, which)) is not None:
            withdrawal.erase(Signature.objects.get(pk=number))
            old = self.expected.signed.pop(number)
            erased = self.expected.erased.get(mailbox, frozenset())
            self.expected.erased[mailbox] = erased | self.left_flags(old)

    @rule(mailbox=MAILBOXES, which=WHICH)
    def not_me(self, mailbox: str, which: int) -> None:
        if (number := self.pick(self.expected.typed, mailbox, which)) is not None:
            withdrawal.not_me(Submission.objects.get(pk=number))
            self.delete_expected(number)

    # Staff

    @rule(mailbox=MAILBOXES, which=WHICH, action=st.sampled_from(["approve", "reject"]))
    def decide(self, mailbox: str, which: int, action: str) -> None:
        if (number := self.pick(self.expected.signed, mailbox, which)) is None:
            return
        old = self.expected.signed[number]
        allowed_from, to, details = {
            "approve": ({"waiting", "rejected"}, "approved", {}),
            "reject": ({"waiting", "approved"}, "rejected", {"reason": "a joke"}),
        }[action]
        row = Signature.objects.get(pk=number)
        if self.attempt(old.state in allowed_from, getattr(single_decisions, action), row, by=1, **details):
            self.expected.signed[number] = replace(old, state=to, last=(action, old.state))

    @rule(mailbox=MAILBOXES, which=WHICH)
    def undo(self, mailbox: str, which: int) -> None:
        if (number := self.pick(self.expected.signed, mailbox, which)) is None:
            return
        old = self.expected.signed[number]
        action, before = old.last
        is_allowed = {"approve": "approved", "reject": "rejected"}.get(action) == old.state
        if self.attempt(is_allowed, decisions.undo, Signature.objects.get(pk=number), by=1):
            self.expected.signed[number] = replace(old, state=before, last=("undo", old.state))

    @rule(state=st.sampled_from(["open", "open", "closed", "closed for long"]))
    def open_or_close(self, state: str) -> None:
        self.expected.letter = state
        self.letter.state = Letter.State.OPEN if state == "open" else Letter.State.CLOSED
        self.letter.closes_at = {
            "open": None,
            "closed": timezone.now() - timedelta(hours=1),
            "closed for long": timezone.now() - timedelta(hours=25),
        }[state]
        self.letter.save()
        self.text.revision.letter = self.letter

    @rule(after=st.booleans())
    def moderate(self, after: bool) -> None:
        self.expected.moderated_after = after
        self.letter.moderation = Letter.Moderation.AFTER if after else Letter.Moderation.BEFORE
        self.letter.save()
        self.text.revision.letter = self.letter

    # Time

    @rule(days=st.integers(1, 5))
    def days_go_by(self, days: int) -> None:
        for model in (Signature, Submission):
            for row in model.objects.all():
                model.objects.filter(pk=row.pk).update(signed_up_at=row.signed_up_at - timedelta(days=days))
        for stone in Tombstone.objects.all():
            Tombstone.objects.filter(pk=stone.pk).update(at=stone.at - timedelta(days=days))
        self.expected.typed = {
            number: replace(row, days=row.days + days) for number, row in self.expected.typed.items()
        }

    @rule()
    def prune(self) -> None:
        retention.prune()
        self.expected.typed = {number: row for number, row in self.expected.typed.items() if row.days < 7}

    @rule()
    def fold(self) -> None:
        counts.fold_deltas()

    # What must always hold. Above all: nothing that a stranger does changes a signature.

    @invariant()
    def every_row_is_as_it_should_be_and_no_count_is_adrift(self) -> None:
        names = (
            "pk", "state", "name", "visibility", "flags", "kind", "sealed_address", "question_address", "approved_on",
        )  # fmt: skip
        rows = list(Signature.objects.values_list(*names, named=True))
        assert {
            row.pk: (row.state, row.name, row.visibility, set(row.flags), row.sealed_address is not None)
            for row in rows
        } == {
            number: (row.state, row.name, row.visibility, set(row.flags), row.updates)
            for number, row in self.expected.signed.items()
        }
        for row in rows:
            assert (row.approved_on is not None) == (row.state == "approved")
            assert row.question_address is None or row.state == "waiting"
        totals = counts.for_letter(self.letter.pk)
        assert totals.cells == dict(Counter((row.state, row.visibility, bool(row.flags), row.kind) for row in rows))
        counted = [
            row
            for row in self.expected.signed.values()
            if row.state == "approved" or (row.state == "waiting" and not row.flags)
        ]
        assert totals.total == len(counted)

    @invariant()
    def every_submission_is_as_it_was_typed(self) -> None:
        rows = Submission.objects.values_list("pk", "name", "visibility", "flags", "sealed_address", named=True)
        assert {row.pk: (row.name, row.visibility, set(row.flags), row.sealed_address is not None) for row in rows} == {
            number: (row.name, row.visibility, set(row.flags), row.updates)
            for number, row in self.expected.typed.items()
        }

    @invariant()
    def the_public_see_the_public_names_alone(self) -> None:
        shown = sorted(Signature.objects.public().values_list("name", flat=True))
        rows = self.expected.signed.values()
        assert shown == sorted(row.name for row in rows if (row.state, row.visibility) == ("approved", "public"))

    @invariant()
    def no_mail_waits_for_who_is_gone(self) -> None:
        about = OutboxMail.objects.filter(recipient__isnull=False).values_list("signature_id", flat=True)
        assert set(about) <= {*self.expected.typed, *self.expected.signed}


@pytest.mark.parametrize("part", range(PARTS))
def test_C7_P7_S27_no_sequence_of_acts_reaches_an_illegal_state_or_sets_a_count_adrift(
    part: int, tmp_path: Any, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path
    run_state_machine_as_test(Everybody, settings=PACE)


PACE = settings(
    max_examples=SEQUENCES,
    stateful_step_count=20,
    deadline=None,
    phases=(Phase.generate,),  # making a failure shorter takes five minutes, and twenty steps can be read
    suppress_health_check=list(HealthCheck),
    database=None,
)
