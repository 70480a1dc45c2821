"""The review queue: flagged signatures come first, one click decides, and every decision can be undone."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.commands import migrate
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign.models import Letter
from signatures import tasks, transitions
from signatures.audit.admin_mixins import CappedPaginator
from signatures.models import AuditEntry, RejectionReason, Signature, WaitingSignature
from signatures.moderation import decisions, featured
from signatures.moderation.admin import review_queue
from signatures.registries import Flag
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values.normalization import name_key
from tests import single_decisions
from tests.factories import make_letter, make_many, make_signature, make_submission
from tests.plans import reads_only

pytestmark = pytest.mark.django_db
QUEUE = "/admin/signatures/waitingsignature/"
MAX_STATEMENTS = 12


def press(moderator_client: Client, what: str, row: Signature, **fields: str) -> Any:
    return moderator_client.post(QUEUE, {"decide": f"{what}:{row.pk}", **fields}, follow=True)


def state_of(row: Signature) -> tuple[str, list[str]]:
    row.refresh_from_db()
    return row.state, row.flags


def names_on(page: Any) -> list[str]:
    return re.findall(r"<a[^>]*><bdi>(.*?)</bdi></a>", page.content.decode())


def test_flagged_signatures_come_first_then_the_oldest(
    moderator_client: Client, letter: Letter, ada: Signature
) -> None:
    day = timezone.now() - timedelta(days=9)
    for name, flags, hours in (("Clean, new", [], 9), ("Clean, old", [], 1), ("Flagged", ["link"], 30)):
        make_signature(letter, name, State.WAITING, flags=flags, signed_up_at=day + timedelta(hours=hours))
    make_submission(letter, "Not confirmed")

    assert names_on(moderator_client.get(QUEUE)) == ["Flagged", "Clean, old", "Clean, new"]


@pytest.mark.parametrize(("others", "count"), [(0, "1 result"), (1, "2 results")])
def test_the_number_of_rows_is_given_in_words_that_can_be_counted(
    moderator_client: Client, letter: Letter, others: int, count: str
) -> None:
    for number in range(1 + others):
        make_signature(letter, f"Name {number}", State.WAITING)
    paginator = re.search(r'<nav class="paginator".*?</nav>', moderator_client.get(QUEUE).content.decode(), re.DOTALL)
    assert paginator is not None
    assert count in [line.strip() for line in paginator[0].splitlines()]


def test_a_row_shows_words_language_flags_and_the_number_of_similar_signatures(
    moderator_client: Client, letter: Letter
) -> None:
    make_signature(letter, "Kim Chul-soo", State.REJECTED)
    make_signature(letter, "ČHUL-SOO KIM", State.APPROVED)
    make_signature(
        letter, "Chulsoo Kim", State.WAITING, role="Baker", organization="Bread", country="KR", flags=["link", "burst"]
    )
    page = moderator_client.get(QUEUE)
    text = page.content.decode()
    for shown in (
        "Chulsoo Kim",
        "Baker",
        "Bread",
        "KR",
        "en",
        Flag.LINK.sentence,
        Flag.BURST.sentence,
    ):
        assert shown in text
    assert re.search(
        r'<a class="flag" href="\?beside=\d+" data-act="beside">name 2<span .*?>2 of the same name</span></a>', text
    )


def test_the_page_of_a_signature_shows_similar_ones(moderator_client: Client, letter: Letter, cleo: Signature) -> None:
    other = make_signature(letter, "patra CLÉO", State.REJECTED)
    make_signature(letter, "Quite Another", State.REJECTED)
    text = moderator_client.get(f"{QUEUE}{cleo.pk}/change/").content.decode()
    text = moderator_client.get(f"{QUEUE}{cleo.pk}/change/").content.decode()
    assert f"../../{other.pk}/change/" in text and "patra CLÉO" in text and "Quite Another" not in text
    assert "patra CLÉO" in moderator_client.get(f"{QUEUE}{other.pk}/change/").content.decode()


def test_the_side_panel_shows_similar_signatures_and_keeps_the_filter(moderator_client: Client, letter: Letter) -> None:
    chosen = make_signature(letter, "Cleo Patra", State.WAITING, flags=["link"])
    make_signature(letter, "PATRA, Cleo", State.REJECTED, organization="Nile", country="EG")
    make_signature(letter, "Quite Another", State.REJECTED)
    link = f"?beside={chosen.pk}&amp;flagged=link"
    assert link in moderator_client.get(f"{QUEUE}?flagged=link").content.decode()

    text = moderator_client.get(f"{QUEUE}?flagged=link&beside={chosen.pk}").content.decode()

    assert "PATRA, Cleo" in text and "Nile" in text and "Quite Another" not in text
    assert '<a href="?flagged=link" data-act="close">Close</a>' in text
    assert moderator_client.get(f"{QUEUE}?beside=x").status_code == 200


@pytest.mark.parametrize(
    ("one", "other", "is_similar"),
    [
        ("Kim Chul-soo", "CHULSOO KIM", True),
        ("José  García", "jose garcia", True),
        ("김철수", "김철수 ", True),
        ("김철수", "김철소", False),
        ("Ada Lovelace", "Ada Lovelock", False),
        ("", "…", True),
    ],
)
def test_names_are_similar_when_their_words_are_the_same(one: str, other: str, is_similar: bool) -> None:
    assert (name_key(one) == name_key(other)) is is_similar


def test_the_buttons_of_a_row_decide_only_this_row(moderator_client: Client, cleo: Signature, letter: Letter) -> None:
    other = make_signature(letter, "Other", State.WAITING)

    assert names_on(press(moderator_client, "approve", cleo)) == ["Other"]

    assert (state_of(cleo)[0], state_of(other)[0]) == (State.APPROVED, State.WAITING)


def test_the_buttons_of_a_row_ignore_ticked_rows_and_the_chosen_action(
    moderator_client: Client, cleo: Signature, letter: Letter
) -> None:
    other = make_signature(letter, "Other", State.WAITING)
    fields = {"action": "hold", "index": "0", "_selected_action": [other.pk], "select_across": "1"}

    page = moderator_client.post(f"{QUEUE}?language=en", {**fields, "decide": f"approve:{cleo.pk}"}, follow=True)

    assert page.redirect_chain == [(f"{QUEUE}?language=en", 302)] and names_on(page) == ["Other"]
    assert (state_of(cleo)[0], state_of(other)) == (State.APPROVED, (State.WAITING, []))


def test_a_rejection_needs_a_reason_from_the_list_or_in_own_words(
    moderator_client: Client, cleo: Signature, letter: Letter
) -> None:
    page = press(moderator_client, "reject", cleo)
    assert "a rejection needs a reason" in page.content.decode() and state_of(cleo)[0] == State.WAITING
    for reason in RejectionReason.objects.all():
        assert f">{reason.text}</option>" in page.content.decode()

    press(moderator_client, "reject", cleo, reason="Not a name", own_words="")
    other = make_signature(letter, "Other", State.WAITING)
    press(moderator_client, "reject", other, reason="Not a name", own_words="mine")

    reasons = AuditEntry.objects.filter(action="reject").order_by("pk").values_list("signature_id", "reason")
    assert list(reasons) == [(cleo.pk, "Not a name"), (other.pk, "mine")]


def test_a_new_site_has_rejection_reasons_and_a_migration_does_not_restore_deleted_ones(db: None) -> None:
    RejectionReason.objects.exclude(text="Not a name").delete()
    call_command(migrate.Command(), verbosity=0)  # our own opens a connection, which sees nothing of this test
    assert [reason.text for reason in RejectionReason.objects.all()] == ["Not a name"]


def test_hold_keeps_a_signature_in_the_queue_until_a_decision(moderator_client: Client, cleo: Signature) -> None:
    press(moderator_client, "hold", cleo)
    assert state_of(cleo) == (State.WAITING, ["hold"])
    press(moderator_client, "approve", cleo)
    assert state_of(cleo) == (State.APPROVED, [])


def test_hold_hides_a_public_signature(ada: Signature, moderator: User, client: Client) -> None:
    single_decisions.hold(ada, by=moderator.pk)
    assert state_of(ada) == (State.WAITING, ["hold"])
    assert not Signature.objects.all().public().exists()
    with pytest.raises(transitions.TransitionNotAllowed):
        single_decisions.hold(ada, by=moderator.pk)


@pytest.mark.parametrize("decision", ["approve", "reject", "hold"])
def test_undo_restores_flags_and_day_before_my_last_decision(
    moderator_client: Client, letter: Letter, decision: str
) -> None:
    row = make_signature(letter, "Flagged", State.WAITING, flags=["link", "similar"])
    press(moderator_client, decision, row, own_words="why")
    assert state_of(row) != (State.WAITING, ["link", "similar"])

    page = moderator_client.post(QUEUE, {"undo_mine": "1"}, follow=True)

    assert "1 decision undone." in page.content.decode()
    assert state_of(row) == (State.WAITING, ["link", "similar"])
    assert row.approved_on is None


def test_undo_restores_a_whole_page_but_no_decision_of_others(
    moderator_client: Client, letter: Letter, moderator: User
) -> None:
    rows = [make_signature(letter, f"Row {n}", State.WAITING) for n in range(5)]
    moderator_client.post(QUEUE, {"action": "approve", "_selected_action": [row.pk for row in rows], "index": "0"})
    others = make_signature(letter, "Of another", State.WAITING)
    single_decisions.approve(others, by=moderator.pk + 1)

    moderator_client.post(QUEUE, {"undo_mine": "1"})
    moderator_client.post(QUEUE, {"undo_mine": "1"})

    assert {state_of(row)[0] for row in rows} == {State.WAITING}
    assert state_of(others)[0] == State.APPROVED


def test_all_that_match_a_filter_are_decided_at_once(moderator_client: Client, letter: Letter) -> None:
    korean = [make_signature(letter, f"Korean {n}", State.WAITING, language="ko") for n in range(60)]
    english = make_signature(letter, "English", State.WAITING)
    fields = {"action": "approve", "select_across": "1", "index": "0", "_selected_action": [korean[0].pk]}
    with CaptureQueriesContext(connection) as statements:
        moderator_client.post(f"{QUEUE}?language=ko", fields)

    assert {state_of(row)[0] for row in korean} == {State.APPROVED}
    assert state_of(english)[0] == State.WAITING
    assert AuditEntry.objects.filter(action="approve").count() == 60
    assert len(statements) < MAX_STATEMENTS + 8, "as many for sixty as for one"


def test_A7_the_second_of_two_moderators_overwrites_nothing(moderator_client: Client, cleo: Signature) -> None:
    assert names_on(moderator_client.get(QUEUE)) == ["Cleo Patra"]
    single_decisions.reject(cleo, by=4711, reason="by another")

    page = press(moderator_client, "approve", cleo)

    assert "Somebody decided it meanwhile" in page.content.decode()
    assert state_of(cleo)[0] == State.REJECTED
    assert AuditEntry.objects.filter(signature_id=cleo.pk).count() == 1


def test_A7_the_page_of_a_signature_remembers_the_state_that_it_showed(
    moderator_client: Client, cleo: Signature
) -> None:
    page = f"/admin/signatures/signature/{cleo.pk}/change/"
    form = moderator_client.get(page).context["action_form"]
    assert '<input type="hidden" name="seen" value="waiting">' in moderator_client.get(page).content.decode()
    single_decisions.reject(cleo, by=4711, reason="by another")

    fields = {form.add_prefix("action"): "approve", "index": "0", "_selected_action": cleo.pk, "seen": "waiting"}
    assert "Somebody decided it meanwhile" in moderator_client.post(page, fields, follow=True).content.decode()
    assert state_of(cleo)[0] == State.REJECTED


def test_a_featured_signature_gets_a_position_and_loses_it(
    moderator_client: Client, letter: Letter, ada: Signature, moderator: User
) -> None:
    other = make_signature(letter, "Second")
    for row in (ada, other):
        featured.feature(row, by=moderator.pk)
    assert list(Signature.objects.order_by("featured_position").values_list("pk", "featured_position")) == [
        (ada.pk, 1),
        (other.pk, 2),
    ]

    withdrawal.withdraw(ada)
    featured.unfeature(other, by=moderator.pk)

    assert set(Signature.objects.values_list("featured_position", flat=True)) == {None}
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "feature", "feature", "withdraw", "unfeature",
    ]  # fmt: skip


def test_only_waiting_and_approved_signatures_with_a_name_are_featured(letter: Letter, moderator: User) -> None:
    nameless = make_signature(letter, "", visibility=Visibility.COUNTED)
    for row in (make_signature(letter, "", State.WITHDRAWN), nameless, make_signature(letter, "No", State.REJECTED)):
        with pytest.raises(transitions.TransitionNotAllowed):
            featured.feature(row, by=moderator.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Signature.objects.filter(pk=nameless.pk).update(featured_position=1)


def test_a_letter_moderated_after_publication_approves_unflagged_signatures(
    letter: Letter, cleo: Signature, moderator: User
) -> None:
    assert tasks.run_duties.call() == {}
    assert state_of(cleo)[0] == State.WAITING, "nobody switched it on"
    flagged = make_signature(letter, "Flagged", State.WAITING, flags=["link"])
    elsewhere = make_signature(make_letter("other"), "Elsewhere", State.WAITING)
    undone = make_signature(letter, "Undone", State.WAITING)
    single_decisions.approve(undone, by=moderator.pk)
    decisions.undo(undone, by=moderator.pk)

    letter.moderation = Letter.Moderation.AFTER
    letter.save()
    assert tasks.run_duties.call() == {}

    assert state_of(cleo)[0] == State.APPROVED
    assert {state_of(row)[0] for row in (flagged, elsewhere, undone)} == {State.WAITING}
    entry = AuditEntry.objects.get(signature_id=cleo.pk)
    assert (entry.action, entry.staff_id, entry.reason) == ("approve", None, "rule of the letter")


@pytest.mark.parametrize("words", ["patra", "Cleo", "CLÉO pat", "bread", "bak", "Cleo Bread"])
def test_search_finds_the_beginnings_of_words(moderator_client: Client, letter: Letter, words: str) -> None:
    row = make_signature(letter, "Cleo Patra", State.WAITING, role="Baker", organization="Bread & Sons")
    make_signature(letter, "Somebody Else", State.WAITING)
    assert names_on(moderator_client.get(QUEUE, {"q": words})) == ["Cleo Patra"]
    assert names_on(moderator_client.get(QUEUE, {"q": str(row.pk)})) == ["Cleo Patra"]


@pytest.mark.parametrize("words", ["'", "\\", "a' | b", "!", ":*", "%", "<->", "'; DROP", "\x00", "🙂" * 100, "(" * 50])
def test_S15_search_words_are_never_parsed_as_a_query(moderator_client: Client, cleo: Signature, words: str) -> None:
    assert moderator_client.get(QUEUE, {"q": words}).status_code in {200, 302}


@pytest.mark.parametrize(
    "page", [QUEUE, f"{QUEUE}?q=row", f"{QUEUE}?flagged=link", "/admin/signatures/signature/", "/admin/"]
)
def test_no_review_page_takes_more_than_twelve_statements(moderator_client: Client, letter: Letter, page: str) -> None:
    make_many(letter, 60, state=State.WAITING, flags=["link"])
    moderator_client.get(page)
    with CaptureQueriesContext(connection) as statements:
        assert moderator_client.get(page).status_code == 200
    assert len(statements) <= MAX_STATEMENTS


def test_the_paginator_counts_only_up_to_a_limit(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    make_many(letter, 5)
    monkeypatch.setattr(CappedPaginator, "MAX_COUNTED", 3)
    assert CappedPaginator(Signature.objects.order_by("pk"), 2).count == 3


def test_the_queue_reads_its_index_and_not_the_table() -> None:
    rows = WaitingSignature.objects.filter(state=State.WAITING).order_by(*review_queue.WaitingSignatureAdmin.ordering)
    assert reads_only(rows[:50], "queue")
    queue_admin = review_queue.WaitingSignatureAdmin(WaitingSignature, admin.site)
    found, _distinct = queue_admin.get_search_results(HttpRequest(), WaitingSignature.objects.all(), "sig 00")
    assert reads_only(found, "found_by_staff", sorted_later=True)


def test_the_queue_is_for_those_who_may_see_signatures(editor: User, officer: User, cleo: Signature) -> None:
    for user in (editor, officer):
        client = Client()
        client.force_login(user)
        assert client.get(QUEUE).status_code == 403
        assert press(client, "approve", cleo).status_code == 403
        assert client.post(QUEUE, {"undo_mine": "1"}).status_code == 403
    assert state_of(cleo)[0] == State.WAITING
