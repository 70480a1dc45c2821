"""Pages of the review queue belong to whoever reads them: claims, batches, and the daily email about the rest."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from django.db.models import F
from django.test import Client
from django.utils import timezone
from lxml import html

from campaign.models import Letter
from signatures import tasks
from signatures.models import AuditEntry, PageClaim, QueueMail, Signature, WaitingSignature
from signatures.moderation import page_claims, queue_mail
from signatures.moderation.admin import review_queue_list
from signatures.outbox import sending
from signatures.states import State
from tests import single_decisions
from tests.factories import make_letter, make_signature
from tests.inbox import Inbox
from tests.live_site import body_of
from tests.moderation.waiting_rows import QUEUE, make_waiting, names_on, state_of
from tests.staff.test_kept_forms import lose_session, post_from, sign_in
from tests.staff.test_sessions import log_in

JSON = {"accept": "application/json"}

pytestmark = pytest.mark.django_db


# Claims


def test_two_moderators_never_get_the_same_page(
    moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    rows = make_waiting(letter, 70)
    opened = timezone.now()
    mine, theirs = names_on(moderator_client.get(QUEUE)), names_on(colleague_client.get(QUEUE))
    assert (len(mine), len(theirs)) == (50, 20) and {*mine, *theirs} == {row.name for row in rows}
    again = moderator_client.get(QUEUE)
    assert names_on(again) == mine
    assert "<bdi>mina</bdi> is reading 20 of them until" in again.content.decode()
    for until in PageClaim.objects.values_list("until", flat=True):
        assert opened + timedelta(minutes=10) <= until <= timezone.now() + timedelta(minutes=10)

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


@pytest.mark.parametrize(("left", "lasts"), [(timedelta(minutes=7), 7), (timedelta(minutes=2), 10)])
def test_who_opens_a_signature_of_the_own_page_keeps_that_page_together(
    left: timedelta, lasts: int, moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    first, *_others = make_waiting(letter, 3)
    moderator_client.get(QUEUE)
    ends = timezone.now() + left
    PageClaim.objects.update(until=ends)
    moderator_client.get(f"{QUEUE}{first.pk}/change/")
    (until,) = PageClaim.objects.values_list("until", flat=True).distinct()
    assert abs(until - ends - timedelta(minutes=lasts) + left) < timedelta(seconds=30), "renewed once half is over"
    assert PageClaim.objects.count() == 3 and names_on(colleague_client.get(QUEUE)) == []


@pytest.mark.parametrize("elsewhere", ["?tab=batch", "?p=2", "?tab=held", "?beside={pk}"])
def test_what_is_open_in_one_window_stays_claimed_while_another_one_opens_more(
    elsewhere: str, moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    flagged = make_waiting(letter, 55, flags=["link"])
    before = names_on(moderator_client.get(QUEUE))
    moderator_client.get(QUEUE + elsewhere.format(pk=flagged[0].pk))
    assert len(before) == 50 and not {*before} & {*names_on(colleague_client.get(QUEUE))}


def test_who_opens_page_after_page_gives_the_oldest_one_back(
    moderator_client: Client, moderator: User, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_claims, "MAX_CLAIMED", 100)
    rows = make_waiting(letter, 160)
    for page in (1, 2, 3):
        moderator_client.get(f"{QUEUE}?p={page}")
    assert {*PageClaim.objects.values_list("pk", flat=True)} == {row.pk for row in rows[50:150]}


# The page of one signature


def decide_on_page(client: Client, row: Signature, action: str, *, reads: timedelta = timedelta()) -> str:
    page = f"{QUEUE}{row.pk}/change/"
    form = client.get(page).context["action_form"]
    PageClaim.objects.update(until=F("until") - reads)
    fields = {form.add_prefix("action"): action, "index": "0", "_selected_action": row.pk, "seen": "waiting"}
    return str(client.post(page, fields)["Location"])


def test_two_who_decide_on_pages_of_signatures_are_never_led_to_the_same_one(
    moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    rows = make_waiting(letter, 4)
    assert decide_on_page(moderator_client, rows[0], "approve") == f"{QUEUE}{rows[1].pk}/change/"
    page = colleague_client.get(f"{QUEUE}{rows[1].pk}/change/").content.decode()
    assert "This signature is being read by moderator until" in page
    assert decide_on_page(colleague_client, rows[1], "approve") == f"{QUEUE}{rows[2].pk}/change/"
    assert decide_on_page(moderator_client, rows[1], "approve") == f"{QUEUE}{rows[3].pk}/change/"
    assert decide_on_page(moderator_client, rows[3], "approve") == QUEUE, "a colleague has the last one"


def test_decisions_on_pages_of_signatures_keep_the_page_of_the_queue_and_no_other(
    moderator_client: Client, letter: Letter
) -> None:
    rows = make_waiting(letter, 60)
    for page in (2, 1):
        moderator_client.get(f"{QUEUE}?p={page}")
    decide_on_page(moderator_client, rows[0], "approve", reads=timedelta(minutes=9))
    left = timezone.now() + timedelta(minutes=9)
    assert {*PageClaim.objects.filter(until__gt=left).values_list("pk", flat=True)} == {row.pk for row in rows[:50]}


def test_what_is_put_aside_may_be_read_by_two(
    moderator_client: Client, colleague_client: Client, cleo: Signature
) -> None:
    single_decisions.hold(cleo, by=4711)
    for client in (moderator_client, colleague_client):
        assert "is being read" not in client.get(f"{QUEUE}{cleo.pk}/change/").content.decode()
    assert not PageClaim.objects.exists()


def test_an_empty_batch_says_that_colleagues_have_the_rest_open(
    moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    make_waiting(letter, 3)
    make_signature(letter, "Flagged", State.WAITING, flags=["link"])
    colleague_client.get(QUEUE)
    until = f"{PageClaim.objects.latest('until').until:%H:%M} UTC"
    text = moderator_client.get(f"{QUEUE}?tab=batch").content.decode()
    assert f"3 without a flag wait, open at your colleagues until {until}" in text and "Nothing without" not in text
    PageClaim.objects.all().delete()
    Signature.objects.update(flags=["link"])
    assert "Nothing without a flag waits here." in moderator_client.get(f"{QUEUE}?tab=batch").content.decode()


def test_only_a_page_that_leaves_out_what_colleagues_read_says_so(
    moderator_client: Client, colleague_client: Client, cleo: Signature
) -> None:
    colleague_client.get(QUEUE)
    for query, is_said in (
        ("", True),
        ("?tab=batch", True),
        ("?tab=held", False),
        ("?tab=asked", False),
        ("?q=a", False),
    ):
        assert ("they are not shown here" in moderator_client.get(QUEUE + query).content.decode()) is is_said


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
        f"Held no. {twins[1].pk}",
    ]


def test_A7_a_batch_leaves_what_somebody_changed_meanwhile(moderator_client: Client, letter: Letter) -> None:
    rows = make_waiting(letter, 2)
    as_of = moderator_client.get(f"{QUEUE}?tab=batch").context["as_of"]
    single_decisions.hold(rows[0], by=4711)
    fields = {"approve_page": "1", "shown": [row.pk for row in rows], "as_of": as_of}
    moderator_client.post(f"{QUEUE}?tab=batch", fields)
    assert [state_of(row)[0] for row in rows] == [State.WAITING, State.APPROVED]


def batch_of(page: Any) -> dict[str, Any]:
    """What a browser sends when somebody presses "Approve this page" there."""
    form = html.document_fromstring(page.content.decode()).get_element_by_id("changelist-form")
    sent: dict[str, Any] = {"approve_page": ["1"]}
    for name, value in form.form_values():
        sent.setdefault(name, []).append(value)
    return sent


def test_A20_a_batch_that_comes_back_after_signing_in_approves_nobody_whom_it_does_not_show(
    moderator: User, colleague_client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_queue_list, "BATCH_SIZE", 2)
    rows = make_waiting(letter, 3)
    client, batch = log_in(moderator), f"{QUEUE}?tab=batch"
    sent = batch_of(client.get(batch))
    assert sent["shown"] == [str(row.pk) for row in rows[:2]]
    lose_session(client)
    PageClaim.objects.update(until=timezone.now() - timedelta(seconds=1))
    colleague_client.get(batch)

    page = sign_in(client, moderator, post_from(client, batch, {**sent, "left_out": [rows[0].pk]}))

    assert rows[2].name in page.content.decode() and rows[0].name not in page.content.decode()
    assert "This page shows something else by now, so nothing was filled in." in page.content.decode()
    assert batch_of(page)["shown"] == [str(rows[2].pk)], "ids and names on a page belong together"
    client.post(batch, batch_of(page))
    assert [state_of(row)[0] for row in rows] == [State.WAITING, State.WAITING, State.APPROVED]


def test_A20_a_batch_that_comes_back_unchanged_is_filled_in(moderator: User, letter: Letter) -> None:
    rows = make_waiting(letter, 2)
    client, batch = log_in(moderator), f"{QUEUE}?tab=batch"
    sent = {**batch_of(client.get(batch)), "left_out": [str(rows[0].pk)]}
    lose_session(client)
    page = sign_in(client, moderator, post_from(client, batch, sent))
    assert batch_of(page)["left_out"] == [str(rows[0].pk)]


def test_A7_a_batch_leaves_what_a_colleague_has_open_by_now(
    moderator_client: Client, colleague_client: Client, letter: Letter
) -> None:
    rows = make_waiting(letter, 2)
    sent = batch_of(moderator_client.get(f"{QUEUE}?tab=batch"))
    PageClaim.objects.all().delete()
    colleague_client.get(f"{QUEUE}{rows[0].pk}/change/")

    after = moderator_client.post(f"{QUEUE}?tab=batch", sent, follow=True)

    assert [state_of(row)[0] for row in rows] == [State.WAITING, State.APPROVED]
    assert "1 signature left undecided: a colleague opened that page since." in after.content.decode()


def test_only_moderators_approve_a_batch(editor: User, cleo: Signature) -> None:
    client = Client()
    client.force_login(editor)
    assert client.post(f"{QUEUE}?tab=batch", {"approve_page": "1", "shown": [cleo.pk]}).status_code == 403
    assert state_of(cleo)[0] == State.WAITING


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
