"""Random sequences of what signers, strangers and staff do: states and counts stay right."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from campaign.models import Letter, Translation
from signatures import counts, retention, transitions
from signatures.models import OutboxMail, Signature, Tombstone
from signatures.moderation import decisions
from signatures.signing import changes, confirmation, submission, withdrawal
from signatures.signing.signer_input import SignerInput
from signatures.values import sealing
from tests import single_decisions
from tests.factories import make_letter, signer_input

pytestmark = pytest.mark.django_db
PARTS, SEQUENCES = 4, 130  # so that the processes of a run share the work; together more than 500

MAILBOXES = st.sampled_from([f"{who}@example.org" for who in ("ada", "ben", "cleo")])
VISIBILITIES = st.sampled_from(["public", "delivery", "counted"])
NAMES = st.sampled_from(["Ada", "Ben", "Mallory"])
FLAGS = st.sampled_from([(), (), (), ("trap",), ("link",)])
CONFIRMED = {"waiting", "approved", "rejected"}


@dataclass(frozen=True)
class Row:
    """What should be in the table, by the rules of the architecture, not by the code."""

    state: str
    name: str
    visibility: str
    flags: frozenset[str] = frozenset()
    last: tuple[str, str] = ("", "")  # the last action in the audit log, and the state before it
    signed_up: int = 0  # days ago


@dataclass
class Expected:
    rows: dict[str, Row] = field(default_factory=dict)
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

    def typed(self, name: str, visibility: str) -> SignerInput:
        return signer_input(self.text, name=name, visibility=visibility)

    def found(self, mailbox: str) -> Signature | None:
        return Signature.objects.filter(address_hash=self.key(mailbox)).first()

    @staticmethod
    def key(mailbox: str) -> bytes:
        return sealing.address_hash(mailbox, pepper=site_settings.EMAIL_HASH_PEPPER)

    def act(self, mailbox: str, action: Any, is_allowed: bool, after: Row | None, **details: Any) -> None:
        """Do it; it goes through exactly where it may, and where it may not, nothing changes."""
        row = self.found(mailbox)
        if row is None:
            return
        if not is_allowed:
            with pytest.raises(transitions.TransitionNotAllowed), transaction.atomic():
                action(row, **details)
            return
        action(row, **details)
        if after is None:
            del self.expected.rows[mailbox]
        else:
            self.expected.rows[mailbox] = after

    def old(self, mailbox: str) -> Row:
        return self.expected.rows.get(mailbox, Row("", "", ""))

    def approved_at_once_or_waiting(self, visibility: str, flags: frozenset[str]) -> str:
        return "approved" if (visibility == "counted" or self.expected.moderated_after) and not flags else "waiting"

    @rule(mailbox=MAILBOXES, name=NAMES, visibility=VISIBILITIES, flags=FLAGS, updates=st.booleans())
    def sign(self, mailbox: str, name: str, visibility: str, flags: tuple[str, ...], updates: bool) -> None:
        if self.expected.letter != "open":
            return
        submission.submit(self.typed(name, visibility), address=mailbox, updates=updates, flags=flags)
        old = self.old(mailbox)
        if old.state in {"", "unconfirmed", "withdrawn"}:
            self.expected.rows[mailbox] = Row("unconfirmed", name, visibility, frozenset(flags), old.last)

    @rule(mailbox=MAILBOXES, name=NAMES, visibility=VISIBILITIES, flags=FLAGS)
    def confirm(self, mailbox: str, name: str, visibility: str, flags: tuple[str, ...]) -> None:
        old = self.old(mailbox)
        all_flags = (old.flags - {"link"}) | set(flags)
        state = self.approved_at_once_or_waiting(visibility, all_flags)
        after = Row(
            state,
            "" if visibility == "counted" else name,
            visibility,
            all_flags,
            ("confirm", "unconfirmed"),
            old.signed_up,
        )
        is_allowed = old.state == "unconfirmed" and self.expected.letter != "closed for long"
        self.act(mailbox, confirmation.confirm, is_allowed, after, typed=self.typed(name, visibility), flags=flags)

    @rule(mailbox=MAILBOXES, name=NAMES, visibility=VISIBILITIES, flags=FLAGS)
    def change(self, mailbox: str, name: str, visibility: str, flags: tuple[str, ...]) -> None:
        old = self.old(mailbox)
        new_name = "" if visibility == "counted" else name
        is_reworded = bool(new_name) and new_name != old.name
        all_flags, state = old.flags, old.state
        if is_reworded:
            all_flags = (
                (old.flags - {"link"}) | set(flags) | ({"rejected-before"} if old.state == "rejected" else set())
            )
        if is_reworded or old.state == "waiting":
            state = self.approved_at_once_or_waiting(visibility, all_flags)
        after = Row(state, new_name, visibility, all_flags, ("change", old.state), old.signed_up)
        self.act(
            mailbox, changes.change, old.state in CONFIRMED, after, typed=self.typed(name, visibility), flags=flags
        )

    @rule(mailbox=MAILBOXES)
    def withdraw(self, mailbox: str) -> None:
        old = self.old(mailbox)
        after = replace(old, state="withdrawn", name="", flags=frozenset(), last=("withdraw", old.state))
        self.act(mailbox, withdrawal.withdraw, old.state != "withdrawn", after)

    @rule(mailbox=MAILBOXES)
    def erase(self, mailbox: str) -> None:
        self.act(mailbox, withdrawal.erase, True, None)

    @rule(mailbox=MAILBOXES)
    def not_me(self, mailbox: str) -> None:
        self.act(mailbox, withdrawal.not_me, True, None)

    @rule(mailbox=MAILBOXES)
    def approve(self, mailbox: str) -> None:
        old = self.old(mailbox)
        after = replace(old, state="approved", last=("approve", old.state))
        self.act(mailbox, single_decisions.approve, old.state in {"waiting", "rejected"}, after, by=1)

    @rule(mailbox=MAILBOXES)
    def reject(self, mailbox: str) -> None:
        old = self.old(mailbox)
        after = replace(old, state="rejected", last=("reject", old.state))
        self.act(mailbox, single_decisions.reject, old.state in {"waiting", "approved"}, after, by=1, reason="a joke")

    @rule(mailbox=MAILBOXES)
    def undo(self, mailbox: str) -> None:
        old = self.old(mailbox)
        action, before = old.last
        is_allowed = (
            action in {"approve", "reject"} and old.state == {"approve": "approved", "reject": "rejected"}[action]
        )
        self.act(mailbox, decisions.undo, is_allowed, replace(old, state=before, last=("undo", old.state)), by=1)

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

    @rule(days=st.integers(1, 5))
    def days_go_by(self, days: int) -> None:
        for row in Signature.objects.all():
            Signature.objects.filter(pk=row.pk).update(signed_up_at=row.signed_up_at - timedelta(days=days))
        for stone in Tombstone.objects.all():
            Tombstone.objects.filter(pk=stone.pk).update(at=stone.at - timedelta(days=days))
        rows = self.expected.rows
        self.expected.rows = {who: replace(row, signed_up=row.signed_up + days) for who, row in rows.items()}

    @rule()
    def prune(self) -> None:
        retention.prune()
        self.expected.rows = {
            who: row for who, row in self.expected.rows.items() if row.state != "unconfirmed" or row.signed_up < 7
        }

    @rule()
    def fold(self) -> None:
        counts.fold_deltas()

    @invariant()
    def every_row_is_as_it_should_be(self) -> None:
        rows = {bytes(row.address_hash or b""): row for row in Signature.objects.all()}
        expected = {self.key(who): row for who, row in self.expected.rows.items()}
        assert {key: (row.state, row.name, row.visibility, set(row.flags)) for key, row in rows.items()} == {
            key: (row.state, row.name, row.visibility, set(row.flags)) for key, row in expected.items()
        }
        for row in rows.values():
            assert (row.approved_on is not None) == (row.state == "approved")
            assert row.state in {"unconfirmed", "withdrawn"} or row.confirmed_at is not None
            assert row.state != "withdrawn" or row.sealed_address is None

    @invariant()
    def no_count_is_adrift(self) -> None:
        cells = Counter((row.state, row.visibility, bool(row.flags)) for row in Signature.objects.all())
        totals = counts.for_letter(self.letter.pk)
        assert totals.cells == dict(cells)
        stands = [
            row
            for row in self.expected.rows.values()
            if row.state == "approved" or (row.state == "waiting" and not row.flags)
        ]
        assert totals.total == len(stands)

    @invariant()
    def the_public_see_the_public_names_alone(self) -> None:
        shown = sorted(Signature.objects.public().values_list("name", flat=True))
        rows = self.expected.rows.values()
        assert shown == sorted(row.name for row in rows if (row.state, row.visibility) == ("approved", "public"))

    @invariant()
    def no_mail_waits_for_who_is_gone(self) -> None:
        waiting = OutboxMail.objects.filter(recipient__isnull=False, kind="reminder")
        assert not waiting.exclude(signature__state="unconfirmed").exists()


@pytest.mark.parametrize("part", range(PARTS))
def test_C7_P7_no_sequence_of_acts_reaches_an_illegal_state_or_sets_a_count_adrift(
    part: int, tmp_path: Any, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path
    run_state_machine_as_test(Everybody, settings=PACE)


PACE = settings(
    max_examples=SEQUENCES,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
