"""A flood of bots, each of which looks harmless alone. What they share gives them away, from the first one on."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import counts, retention, tasks
from signatures.models import AuditEntry, OutboxMail, RateLimit, Signature, Submission
from signatures.outbox import sending
from signatures.screening import bursts, checks, rate_limits
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values import email_addresses, tokens
from tests import single_decisions
from tests.faults.simulated_signers import simulated_signers
from tests.faults.spam_simulation import MAX_ACTIONS, MAX_FALSE_POSITIVES, Simulation
from tests.inbox import Inbox
from tests.screening.test_rate_limits import set_limit

SIGN = "/letters/bridge/sign/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def come(client: Client, form: dict[str, str]) -> Callable[..., Any]:
    """One more person signs, from a network of their own, with a name and mailbox of their own.

    Returns the submission, or with `confirm` the signature that it became.
    """

    def one(number: int, address: str = "", *, confirm: bool = False, **typed: str) -> Submission | Signature:
        name = f"{chr(0xAC00 + number * 31)}{chr(0xB098 + number * 7)}"
        sent = {**form, "name": name, "email": f"someone{number}@gmail.com", **typed}
        assert client.post(SIGN, sent, REMOTE_ADDR=address or f"10.0.{number}.1").status_code == 303
        submitted = Submission.objects.latest("pk")
        if not confirm:
            return submitted
        client.post(f"/signature/{tokens.personal_token(submitted.public_id)}/", {**sent, "action": "confirm"})
        return Signature.objects.get(pk=submitted.pk)

    return one


def flags_of(rows: Sequence[Submission | Signature]) -> list[list[str]]:
    found = dict(Signature.objects.values_list("pk", "flags")) | dict(Submission.objects.values_list("pk", "flags"))
    return [found[row.pk] for row in rows]


@pytest.mark.parametrize(
    ("limit", "typed"),
    [
        ("comment", lambda n: {"comment": "Interference in our internal affairs" + "!" * n}),
        ("name", lambda n: {"name": f"Patriot No. {n}", "country": ["RU", "US", "", "CN", "FR"][n]}),
        ("name", lambda n: {"name": "Long live the motherland" + "!" * n}),
        ("small-domain", lambda n: {"email": f"p@m{n}.mailbot.co.uk"}),
        ("no-hand", lambda n: {"seconds": ["", "0", "5", "7", ""][n]}),
    ],
)
def test_a_burst_is_flagged_as_it_comes_and_its_first_ones_afterwards(
    come: Callable[..., Any], limit: str, typed: Callable[[int], dict[str, str]]
) -> None:
    set_limit(limit, 3, seconds=86_400)
    address = "203.0.113.9" if limit == "no-hand" else ""
    rows = [come(n, address, **typed(n)) for n in range(5)]
    honest = come(7, address)
    live = [["burst" in flags for flags in flags_of(rows)]]
    assert live == [[False, False, False, True, True]]

    first = 0 if limit == "name" else 3  # the first of a name may be the person whom the others copied

    assert bursts.flag_bursts() == first

    assert ["burst" in flags for flags in flags_of(rows)] == [bool(first)] * 3 + [True, True]
    assert flags_of([honest]) == [[]], "who only shares the network, or the day, is none of them"
    assert bursts.flag_bursts() == 0
    late = OutboxMail.objects.filter(priority=OutboxMail.Priority.FLAGGED).values_list("signature_id", flat=True)
    flagged = Submission.objects.filter(flags__contains=["burst"]).values_list("pk", flat=True)
    assert set(late) == set(flagged), "their emails go last"
    assert not AuditEntry.objects.exists(), "nothing was signed yet"


def test_S33_the_email_to_a_submission_of_a_burst_goes_after_those_of_others(
    come: Callable[..., Any], inbox: Inbox
) -> None:
    set_limit("comment", 3, seconds=86_400)
    for n in range(5):
        come(n, comment="Interference in our internal affairs")
    come(7)
    assert bursts.flag_bursts() == 3
    assert sending.send_due(limit=1) == 1
    assert inbox.recipients == ["someone7@gmail.com"]
    assert sending.send_due() == 5, "and theirs are sent as well"


@pytest.mark.parametrize(
    "typed",
    [
        lambda _n: {"comment": "Thank you."},
        lambda n: {"email": f"someone.{n}@gmail.com"},
        lambda n: {"email": f"someone.{n}@seznam.cz"},
        lambda _n: {"organization": "Amnesty International", "role": "Teacher"},
        lambda _n: {"seconds": ""},
    ],
)
def test_what_many_honest_people_share_is_no_burst(
    come: Callable[..., Any], typed: Callable[[int], dict[str, str]]
) -> None:
    RateLimit.objects.filter(scope__in=rate_limits.BURST_SCOPES).update(max_count=1)
    rate_limits.clear_cache()
    rows = [come(n, **typed(n)) for n in range(4)]
    bursts.flag_bursts()
    assert flags_of(rows) == [[], [], [], []]


@pytest.mark.parametrize("visibility", [Visibility.PUBLIC, Visibility.COUNTED])
def test_what_stood_by_rule_goes_back_to_the_queue_and_what_a_person_decided_stays(
    come: Callable[..., Any], letter: Letter, moderator: Any, visibility: str
) -> None:
    Letter.objects.update(moderation="after")
    set_limit("small-domain", 2, seconds=86_400)
    rows = [come(n, confirm=True, visibility=visibility, email=f"p{n}@mailbot.ru") for n in range(2)]
    assert [row.state for row in rows] == [State.APPROVED] * 2
    single_decisions.hold(rows[0], by=moderator.pk)
    single_decisions.approve(rows[0], by=moderator.pk)
    last = come(2, confirm=True, visibility=visibility, email="p2@mailbot.ru")
    assert (last.state, last.flags) == (State.WAITING, ["burst"])

    assert tasks.run_duties.call() == {}

    states = dict(Signature.objects.values_list("pk", "state"))
    assert [states[row.pk] for row in rows] == [State.APPROVED, State.WAITING]
    assert flags_of(rows) == [[], ["burst"]]
    assert counts.for_letter(letter.pk).total == 1
    entry = AuditEntry.objects.get(action="flag")
    assert (entry.signature_id, entry.was, entry.now, entry.staff_id) == (rows[1].pk, "approved", "waiting", None)


def test_words_taken_on_while_confirming_are_counted_once_however_often_they_are_sent(
    client: Client, come: Callable[..., Any], form: dict[str, str]
) -> None:
    set_limit("comment", 1, seconds=86_400)
    rows = [come(n) for n in range(2)]
    pasted = {"comment": "Interference in our internal affairs"}
    for row in rows:
        page = f"/signature/{tokens.personal_token(row.public_id)}/"
        client.post(page, {**form, "name": row.name, **pasted, "action": "confirm"})
        for _time in range(3):
            client.post(page, {**form, "name": row.name, **pasted, "action": "change"})
    assert flags_of(rows) == [[], ["burst"]]


@pytest.mark.parametrize(
    ("mailbox", "found"),
    [
        ("x7k2m9q4", True),
        ("annasmith48213", True),
        ("bcdfghjkl", True),
        ("anna.smith", False),
        ("anna1984", False),
        ("k.smith88", False),
        ("2874619301", False),
        ("schwarzkopf", False),
        ("a1+x7k2m9q4", False),
    ],
)
def test_a_mailbox_that_a_machine_named_counts_only_where_no_hand_sent_the_form(mailbox: str, found: bool) -> None:
    for seconds, by_hand in ((None, False), (2, False), (40, True)):
        flags = checks.flags({"name": "Ada"}, seconds=seconds, mailbox=mailbox)
        assert ("machine" in flags) is (found and not by_hand)


@pytest.mark.parametrize("when", ["confirm", "change", "replace"])
def test_S17_a_comment_that_came_after_the_form_is_as_much_of_a_burst(
    client: Client, form: dict[str, str], come: Callable[..., Any], when: str
) -> None:
    set_limit("comment", 2, seconds=86_400)
    added = {"comment": "Interference in our internal affairs"}
    rows: list[Signature | Submission] = []
    for number in range(4):
        row = come(number, confirm=when != "confirm", visibility="public")
        action, asked = when, row
        if when == "replace":
            row.refresh_from_db()
            asked = come(number, role="Painter")
            action = f"replace:{row.public_id.hex}"
        words = {**form, "name": row.name, "country": row.country}
        sent = client.post(
            f"/signature/{tokens.personal_token(asked.public_id)}/", {**words, **added, "action": action}
        )
        assert sent.status_code == 303
        rows.append(row)
    assert Signature.objects.filter(comment=added["comment"]).count() == 4
    bursts.flag_bursts()
    assert all("burst" in flags for flags in flags_of(rows)), flags_of(rows)


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("a@mailbot.ru", "mailbot.ru"),
        ("a@x.y.mailbot.co.uk", "mailbot.co.uk"),
        ("a@snu.ac.kr", "snu.ac.kr"),
        ("a@gmail.com", ""),
        ("a@naver.com", ""),
        ("a@ukr.net", ""),
        ("a@mail.googlemail.com", ""),
        ("a@com", "com"),
    ],
)
def test_a_small_domain_is_what_somebody_had_to_register(address: str, domain: str) -> None:
    assert email_addresses.small_domain_of(address) == domain


def test_R4_the_marks_say_nothing_and_go_with_the_network(come: Callable[..., Any]) -> None:
    row = come(1, "203.0.113.9", seconds="", email="p@mailbot.ru")
    assert len(row.marks) == 4, "of its mailbox, its small domain, and of no hand, in each of their spans"
    assert all(len(mark) == 16 for mark in row.marks)
    Submission.objects.update(signed_up_at=timezone.now() - timedelta(hours=72))
    assert retention.delete_network_digests() == 1
    row.refresh_from_db()
    assert (row.marks, row.network) == ([], "")


def test_R4_the_marks_go_when_the_name_is_taken_back(come: Callable[..., Any]) -> None:
    row = come(1, confirm=True, seconds="")
    assert row.marks
    withdrawal.withdraw(row)
    row.refresh_from_db()
    assert row.marks == []


@pytest.mark.slow
def test_a_small_organized_flood_is_found_and_its_honest_neighbors_are_not(letter: Letter) -> None:
    """The simulation in small: `python -m tests.faults.spam_simulation` runs it with 500 and 2,000."""
    set_limit("small-domain", 18, seconds=86_400)  # above the office of fifteen; the flood is small, too
    honest = 118  # all the hard cases
    simulation = Simulation(letter, simulated_signers(7, honest=honest, bots=180), check_every=360)
    simulation.run()
    assert simulation.recall >= 0.9, simulation.table()
    assert simulation.false_positives * honest <= MAX_FALSE_POSITIVES * 500, simulation.table()
    done = simulation.clean_up()
    assert done.actions <= MAX_ACTIONS
    assert done.bots > 0.85 * 180
    assert done.honest <= MAX_FALSE_POSITIVES * 500
    assert done.is_exact, "undo leaves every row and count as it was"
