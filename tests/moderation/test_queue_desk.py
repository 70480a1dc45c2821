"""The desk of moderators: tabs, claimed pages, batches, the undo history, and decisions without loading a page."""

import re
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import tasks
from signatures.models import AuditEntry, PageClaim, QueueMail, Signature, WaitingSignature
from signatures.moderation import decisions, own_decisions, page_claims, queue_mail
from signatures.outbox import sending
from signatures.states import State
from tests import single_decisions
from tests.factories import make_letter, make_signature
from tests.inbox import Inbox
from tests.live_site import body_of
from tests.plans import reads_only

QUEUE = "/admin/signatures/waitingsignature/"
JSON = {"accept": "application/json"}

pytestmark = pytest.mark.django_db


def names_on(page: Any) -> list[str]:
    return re.findall(r"<a[^>]*><bdi>(.*?)</bdi></a>", page.content.decode())


def make_waiting(letter: Letter, number: int, **fields: Any) -> list[Signature]:
    at = timezone.now() - timedelta(days=2)
    return [
        make_signature(letter, f"Waiting {n:03d}", State.WAITING, signed_up_at=at + timedelta(minutes=n), **fields)
        for n in range(number)
    ]


def state_of(row: Signature) -> tuple[str, list[str]]:
    row.refresh_from_db()
    return row.state, row.flags


@pytest.fixture
def colleague(db: None) -> User:
    user = User.objects.create_user("mina", password="a long enough password", is_staff=True)
    user.groups.add(Group.objects.get(name="moderator"))
    return user


@pytest.fixture
def colleague_client(colleague: User) -> Client:
    client = Client()
    client.force_login(colleague)
    return client


# Without loading a page


def test_a_decision_is_answered_with_what_changed_and_how_to_undo_it(moderator_client: Client, cleo: Signature) -> None:
    said = moderator_client.post(QUEUE, {"decide": f"approve:{cleo.pk}"}, headers=JSON).json()
    assert said["changed"] == [cleo.pk] and state_of(cleo)[0] == State.APPROVED
    assert f"Approved no. {cleo.pk}, " in said["history"] and said["undo"] in said["history"]

    undone = moderator_client.post(QUEUE, {"undo_mine": said["undo"]}, headers=JSON).json()
    assert undone["changed"] == [cleo.pk] and state_of(cleo)[0] == State.WAITING
    assert undone["undo"] == "" and "Nothing to undo." in undone["history"]


def test_A7_a_decision_that_came_second_changes_nothing_and_says_who_was_first(
    moderator_client: Client, cleo: Signature, colleague: User
) -> None:
    as_of = moderator_client.get(QUEUE).context["as_of"]
    single_decisions.hold(cleo, by=colleague.pk)
    said = moderator_client.post(QUEUE, {"decide": f"approve:{cleo.pk}", "as_of": as_of}, headers=JSON).json()
    assert said["changed"] == []
    assert "Somebody else (mina) put it aside" in "".join(message["html"] for message in said["messages"])
    assert state_of(cleo) == (State.WAITING, ["hold"])


def test_a_rejection_without_a_reason_is_refused_with_a_sentence(moderator_client: Client, cleo: Signature) -> None:
    said = moderator_client.post(QUEUE, {"decide": f"reject:{cleo.pk}"}, headers=JSON).json()
    assert said["changed"] == [] and "a rejection needs a reason" in said["messages"][0]["html"]


def test_S9_words_of_a_moderator_are_escaped_in_the_answer(moderator_client: Client, cleo: Signature) -> None:
    single_decisions.reject(cleo, by=4711, reason="first")
    fields = {"decide": f"hold:{cleo.pk}", "own_words": "<img src=x>"}
    said = moderator_client.post(QUEUE, fields, headers=JSON).json()
    assert "&lt;img" in str(said["messages"]) and "<img" not in str(said["messages"])


# The undo history


def test_the_history_names_the_last_20_decisions_that_stand_and_each_can_be_undone(
    moderator_client: Client, letter: Letter, moderator: User
) -> None:
    rows = make_waiting(letter, 23)
    for row in rows:
        moderator_client.post(QUEUE, {"decide": f"approve:{row.pk}"})
    history = own_decisions.recent_decisions(moderator.pk)
    assert [decision.title for decision in history] == [f"Approved no. {row.pk}" for row in rows[:2:-1]]

    moderator_client.post(QUEUE, {"undo_mine": history[10].key})

    assert state_of(rows[12])[0] == State.WAITING and state_of(rows[22])[0] == State.APPROVED
    assert rows[12].pk not in [decision.signature_id for decision in own_decisions.recent_decisions(moderator.pk)]
    single_decisions.reject(rows[22], by=moderator.pk + 1, reason="by another")
    assert own_decisions.recent_decisions(moderator.pk)[0].signature_id == rows[21].pk, "it does not stand any more"


def test_A7_nobody_undoes_decisions_of_a_colleague(moderator_client: Client, colleague: User, cleo: Signature) -> None:
    single_decisions.approve(cleo, by=colleague.pk)
    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    moderator_client.post(QUEUE, {"undo_mine": f"1-{last}"})
    assert state_of(cleo)[0] == State.APPROVED


# Tabs


def test_what_is_put_aside_leaves_the_queue_for_a_tab_with_note_colleague_and_date(
    moderator_client: Client, colleague_client: Client, letter: Letter, colleague: User
) -> None:
    held, asked, other = make_waiting(letter, 3, flags=["rate"])
    colleague_client.post(QUEUE, {"decide": f"hold:{held.pk}", "own_words": "Ask her union first"})
    decisions.ask_question(asked, by=colleague.pk, question="your-name")
    PageClaim.objects.all().delete()

    waiting = moderator_client.get(QUEUE)
    assert names_on(waiting) == [other.name]
    assert "Held (1)" in waiting.content.decode() and "Asked (1)" in waiting.content.decode()
    page = moderator_client.get(f"{QUEUE}?tab=held")
    at = AuditEntry.objects.get(action="hold").at
    assert names_on(page) == [held.name] and f"mina, {at:%Y-%m-%d %H:%M} UTC" in page.content.decode()
    assert "Ask her union first" in page.content.decode() and f"hold:{held.pk}" not in page.content.decode()
    page = moderator_client.get(f"{QUEUE}?tab=asked")
    assert names_on(page) == [asked.name] and "your-name" in page.content.decode()
    assert names_on(moderator_client.get(f"{QUEUE}?q={held.pk}")) == [held.name], "who looks for it finds it"


def test_the_tabs_of_what_is_put_aside_read_their_own_index() -> None:
    assert reads_only(Signature.objects.put_aside().order_by("signed_up_at", "id"), "put_aside")


# Claims


def test_two_moderators_never_get_the_same_page(
    moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    rows = make_waiting(letter, 70)
    mine, theirs = names_on(moderator_client.get(QUEUE)), names_on(colleague_client.get(QUEUE))
    assert (len(mine), len(theirs)) == (50, 20) and {*mine, *theirs} == {row.name for row in rows}
    again = moderator_client.get(QUEUE)
    assert names_on(again) == mine
    assert "<bdi>mina</bdi> is reading 20 of them until" in again.content.decode()

    PageClaim.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert names_on(colleague_client.get(QUEUE)) == mine, "an expired claim is free"
    PageClaim.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert tasks.run_duties.call(["delete-page-claims"]) == {} and not PageClaim.objects.exists()


def test_a_claim_lasts_while_its_moderator_decides(moderator_client: Client, letter: Letter) -> None:
    first, second = make_waiting(letter, 2)
    moderator_client.get(QUEUE)
    PageClaim.objects.update(until=timezone.now() + timedelta(minutes=2))
    moderator_client.post(QUEUE, {"decide": f"approve:{first.pk}"}, headers=JSON)
    assert PageClaim.objects.get(pk=second.pk).until > timezone.now() + timedelta(minutes=9)


def test_who_may_only_look_claims_nothing(letter: Letter, cleo: Signature) -> None:
    reader = User.objects.create_user("reader", password="a long enough password", is_staff=True)
    group = Group.objects.create(name="reader")
    group.permissions.set(Group.objects.get(name="moderator").permissions.filter(codename="view_signature"))
    reader.groups.add(group)
    client = Client()
    client.force_login(reader)
    assert names_on(client.get(QUEUE)) == ["Cleo Patra"] and not PageClaim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_ask_at_once_none_gets_what_another_one_has() -> None:
    make_waiting(make_letter(), 100)
    together, got = Barrier(8), dict[int, list[int]]()

    def claim(by: int) -> None:
        together.wait()
        rows = page_claims.without_claimed(WaitingSignature.objects.filter(state=State.WAITING), by=by)
        got[by] = page_claims.claim_page(rows.order_by("pk")[:10], by=by)
        connections.close_all()

    threads = [Thread(target=claim, args=[by]) for by in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed = [number for numbers in got.values() for number in numbers]
    assert [len(numbers) for numbers in got.values()] == [10] * 8 and len({*claimed}) == 80


# Batches


def test_a_batch_is_grouped_and_approved_but_for_the_exceptions(moderator_client: Client, letter: Letter) -> None:
    union = [make_signature(letter, f"Member {n}", State.WAITING, organization="Bridge Union") for n in range(3)]
    twins = [make_signature(letter, name, State.WAITING) for name in ("Kim Chul-soo", "CHUL-SOO KIM")]
    alone = make_signature(letter, "Alone", State.WAITING)
    flagged = make_signature(letter, "Flagged", State.WAITING, flags=["link"])
    page = moderator_client.get(f"{QUEUE}?tab=batch")
    groups = [(title, {row.pk for row in rows}) for title, rows in page.context["cl"].groups]
    assert groups == [
        ("Bridge Union", {row.pk for row in union}),
        ("Names that resemble others", {row.pk for row in twins}),
        ("All others", {alone.pk}),
    ]

    shown = [row.pk for row in (*union, *twins, alone)]
    fields = {"approve_page": "1", "shown": shown, "left_out": [twins[1].pk], "as_of": page.context["as_of"]}
    after = moderator_client.post(f"{QUEUE}?tab=batch", fields, follow=True)

    assert {state_of(row)[0] for row in (*union, twins[0], alone)} == {State.APPROVED}
    assert state_of(twins[1]) == (State.WAITING, ["hold"]) and state_of(flagged) == (State.WAITING, ["link"])
    assert AuditEntry.objects.get(signature_id=twins[1].pk).reason == "left out of a batch"
    assert [decision.title for decision in after.context["history"]] == [
        "Approved 5 signatures",
        f"Put aside no. {twins[1].pk}",
    ]


def test_A7_a_batch_leaves_what_somebody_changed_meanwhile(moderator_client: Client, letter: Letter) -> None:
    rows = make_waiting(letter, 2)
    as_of = moderator_client.get(f"{QUEUE}?tab=batch").context["as_of"]
    single_decisions.hold(rows[0], by=4711)
    fields = {"approve_page": "1", "shown": [row.pk for row in rows], "as_of": as_of}
    moderator_client.post(f"{QUEUE}?tab=batch", fields)
    assert [state_of(row)[0] for row in rows] == [State.WAITING, State.APPROVED]


def test_only_moderators_approve_a_batch(editor: User, cleo: Signature) -> None:
    client = Client()
    client.force_login(editor)
    assert client.post(f"{QUEUE}?tab=batch", {"approve_page": "1", "shown": [cleo.pk]}).status_code == 403
    assert state_of(cleo)[0] == State.WAITING


# The rows, and the page of one signature


def test_a_row_shows_the_comment_the_letter_and_what_it_has_in_common(moderator_client: Client, letter: Letter) -> None:
    for number in range(3):
        make_signature(
            letter,
            f"Of one {number}",
            State.WAITING,
            mailbox="m",
            network="n",
            comment="Please act",
            address_hash=bytes([number] * 32),
        )
    text = moderator_client.get(QUEUE).content.decode()
    for shown in (
        "Please act",
        "bridge",
        "3 from one mailbox holder",
        "one network (/48): 3 here",
        "same words: 3 here",
    ):
        assert shown in text


def test_filters_in_use_are_chips_that_remove_them(moderator_client: Client, cleo: Signature) -> None:
    page = moderator_client.get(f"{QUEUE}?language=en&flagged=no")
    assert [(chip.title, chip.value) for chip in page.context["cl"].chips] == [
        ("flags", "not flagged"),
        ("language", "English"),
    ]
    assert page.context["cl"].chips[0].without == "?language=en"


def test_a_decision_on_the_page_of_a_signature_opens_the_next_one(moderator_client: Client, letter: Letter) -> None:
    flagged = make_signature(letter, "Flagged", State.WAITING, flags=["link"])
    first, second = make_waiting(letter, 2)

    def decide(row: Signature, action: str, **more: str) -> str:
        page = f"{QUEUE}{row.pk}/change/"
        form = moderator_client.get(page).context["action_form"]
        prefixed = {form.add_prefix(name): value for name, value in {"action": action, **more}.items()}
        fields = {**prefixed, "index": "0", "_selected_action": row.pk, "seen": "waiting"}
        return str(moderator_client.post(page, fields)["Location"])

    assert decide(flagged, "reject") == f"{QUEUE}{flagged.pk}/change/", "a rejection needs a reason"
    assert decide(flagged, "approve") == f"{QUEUE}{first.pk}/change/"
    assert decide(first, "hold", own_words="later") == f"{QUEUE}{second.pk}/change/"
    assert decide(second, "approve") == QUEUE


def test_staff_appear_by_name_and_times_with_their_zone(
    moderator_client: Client, cleo: Signature, colleague: User
) -> None:
    single_decisions.hold(cleo, by=colleague.pk)
    at = AuditEntry.objects.get().at
    text = moderator_client.get(f"{QUEUE}{cleo.pk}/change/").content.decode()
    assert f"{at:%Y-%m-%d %H:%M} UTC · Put aside." in text and "<bdi>mina</bdi>" in text
    assert "staff " + str(colleague.pk) not in text


def test_the_queue_tells_what_each_moderator_decided_today(
    moderator_client: Client, letter: Letter, colleague: User, moderator: User
) -> None:
    rows = make_waiting(letter, 4)
    for row in rows[:3]:
        single_decisions.approve(row, by=colleague.pk)
    single_decisions.approve(rows[3], by=moderator.pk)
    assert moderator_client.get(QUEUE).context["progress"] == [("mina", 3), ("moderator", 1)]


# The daily email


def test_moderators_who_want_it_get_one_email_a_day_about_what_waits(
    moderator_client: Client,
    moderator: User,
    colleague: User,
    letter: Letter,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_mail, "FROM_HOUR", 0)
    assert "no email address" in moderator_client.post(QUEUE, {"daily_mail": "on"}, follow=True).content.decode()
    User.objects.filter(pk=moderator.pk).update(email="mod@example.org")
    page = moderator_client.post(QUEUE, {"daily_mail": "on"}, follow=True).content.decode()
    assert "Each morning an email" in page and "Stop the daily email" in page
    assert queue_mail.enqueue_daily() == 0, "the first one comes the next morning"
    yesterday = timezone.now().date() - timedelta(days=1)

    QueueMail.objects.update(queued_on=yesterday)
    assert queue_mail.enqueue_daily() == 0, "nothing waits"
    rows = make_waiting(letter, 3)
    Signature.objects.filter(pk=rows[0].pk).update(flags=["link"])
    single_decisions.hold(rows[2], by=colleague.pk)
    QueueMail.objects.update(queued_on=yesterday)
    assert tasks.run_duties.call(["queue-mail"]) == {} and queue_mail.enqueue_daily() == 0
    sending.send_due()
    text = body_of(inbox[0], "plain")
    assert (len(inbox), inbox[0]["To"]) == (1, "mod@example.org")
    assert "2 signatures wait for review, 1 of them with a flag." in text
    assert f"since {rows[0].signed_up_at:%Y-%m-%d %H:%M} UTC" in text.replace("\n", " ")

    QueueMail.objects.update(queued_on=yesterday)
    moderator.groups.clear()
    assert queue_mail.enqueue_daily() == 0, "who is no moderator any more is told nothing"


def test_the_daily_email_is_turned_off_where_it_was_turned_on(moderator_client: Client, moderator: User) -> None:
    queue_mail.choose(moderator.pk, is_wanted=True)
    page = moderator_client.post(QUEUE, {"daily_mail": "off"}, follow=True).content.decode()
    assert "The daily email is off." in page and "Email me daily" in page and not QueueMail.objects.exists()
