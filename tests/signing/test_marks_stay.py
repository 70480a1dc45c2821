"""Whatever an address does, the marks of its floods stay with it: a burst that is found later finds it."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaign.models import Letter
from signatures import retention
from signatures.models import FormerMarks, Signature, Submission
from signatures.signing import confirmation, replacement, withdrawal
from signatures.signing.mailbox_places import NoPlace
from signatures.states import State, Visibility
from tests.factories import make_submission, signer_input

pytestmark = pytest.mark.django_db
DORA, PABLO = NAMES = ("Dora Maar", "Pablo Picasso")
STEPS = ("type", "confirm", "confirm counted", "replace", "keep", "delete", "not me", "withdraw", "erase")
numbers = itertools.count(1)


class Mailbox:
    """One address under a letter, with every mark that anything typed with it ever had."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.key = next(numbers).to_bytes(32, "big")
        self.marks: set[str] = set()

    def submissions(self) -> list[Submission]:
        return list(Submission.objects.filter(address_hash=self.key).order_by("pk"))

    def signed(self) -> list[Signature]:
        return list(Signature.objects.filter(address_hash=self.key).exclude(state=State.WITHDRAWN).order_by("pk"))

    def type(self, name: str) -> Submission:
        """Types the form. What finds no place among those that wait is not kept, nor are its marks."""
        waiting = self.submissions()
        free = {*range(1, Submission.MAX_PLACES + 1)} - {row.place for row in waiting}
        if not free:
            return waiting[0]
        mark = f"{next(numbers):016x}"
        self.marks.add(mark)
        return make_submission(self.letter, name, address_hash=self.key, marks=[mark], place=min(free))

    def step(self, step: str, name: str, which: int) -> None:
        """One thing that the owner of the mailbox, or a stranger, does; nothing, where there is nothing to do it to."""
        if step == "type":
            self.type(name)
            return
        submissions, signed = self.submissions(), self.signed()
        if step in {"withdraw", "erase"}:
            if signed:
                getattr(withdrawal, step)(signed[which % len(signed)])
            return
        if not submissions:
            return
        row = submissions[which % len(submissions)]
        if step in {"delete", "not me"}:
            (withdrawal.delete_submission if step == "delete" else withdrawal.not_me)(row)
        elif step in {"confirm", "confirm counted"}:
            self.confirm(row, name, is_counted=step == "confirm counted")
        elif signed:
            standing = signed[which % len(signed)]
            if step == "keep":
                replacement.keep(row, standing)
                return
            try:
                with transaction.atomic():
                    replacement.replace(row, standing, signer_input(row.translation, name=name))
            except NoPlace:
                return
            self.check(standing.pk)

    def confirm(self, row: Submission, name: str, *, is_counted: bool = False) -> None:
        words = {"visibility": Visibility.COUNTED} if is_counted else {"name": name}
        try:
            with transaction.atomic():
                confirmation.confirm(row, signer_input(row.translation, **words))
        except NoPlace:
            return
        self.check(row.pk)

    def check(self, number: int) -> None:
        others = {mark for row in self.signed() if row.pk != number for mark in row.marks}
        assert self.marks - others <= {*Signature.objects.get(pk=number).marks}


# One letter does for all: each example has an address of its own.
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("confirm", DORA, 0), ("type", DORA, 0), ("type", DORA, 0), ("replace", DORA, 0)])
@example([("confirm", DORA, 0), ("type", DORA, 0), ("delete", DORA, 0), ("type", DORA, 0), ("replace", DORA, 0)])
@example([("confirm", DORA, 0), ("type", PABLO, 0), ("confirm", PABLO, 0), ("withdraw", DORA, 1), ("erase", DORA, 0)])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(NAMES), st.integers(0, 3)), max_size=10))
def test_S29_no_way_of_signing_again_loses_a_mark(letter: Letter, steps: list[tuple[str, str, int]]) -> None:
    mailbox = Mailbox(letter)
    mailbox.type(NAMES[0])
    for step in steps:
        mailbox.step(*step)
    for row in mailbox.signed():
        withdrawal.withdraw(row)
    mailbox.confirm(mailbox.type(NAMES[0]), NAMES[0])
    [signed] = mailbox.signed()
    assert mailbox.marks == {*signed.marks}


@pytest.mark.parametrize("leave", [withdrawal.withdraw, withdrawal.erase])
def test_R4_marks_of_what_left_go_within_72_hours_of_the_sign_up(letter: Letter, leave: Any) -> None:
    for hours in (70, 71):
        mailbox = Mailbox(letter)
        row = mailbox.type("Dora Maar")
        Submission.objects.filter(pk=row.pk).update(signed_up_at=timezone.now() - timedelta(hours=hours))
        mailbox.confirm(row, "Dora Maar")
        leave(Signature.objects.get(address_hash=mailbox.key))
    assert FormerMarks.objects.count() == 2
    assert retention.delete_network_digests() == 1
    assert bytes(FormerMarks.objects.get().address_hash) != mailbox.key
