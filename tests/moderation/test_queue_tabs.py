"""The review queue of moderators: tabs, the undo history, and decisions without loading a page."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from campaign.models import Letter
from signatures.models import AuditEntry, PageClaim, Signature
from signatures.moderation import clusters, decisions, own_decisions
from signatures.screening import checks
from signatures.states import State
from tests import single_decisions
from tests.factories import make_signature
from tests.moderation.waiting_rows import QUEUE, make_waiting, names_on, state_of
from tests.plans import reads_only

JSON = {"accept": "application/json"}

pytestmark = pytest.mark.django_db


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
    assert "Somebody else (mina) held it" in "".join(message["html"] for message in said["messages"])
    assert state_of(cleo) == (State.WAITING, ["hold"])


def test_a_rejection_without_a_reason_is_refused_with_a_sentence(moderator_client: Client, cleo: Signature) -> None:
    said = moderator_client.post(QUEUE, {"decide": f"reject:{cleo.pk}"}, headers=JSON).json()
    assert said["changed"] == [] and "a rejection needs a reason" in said["messages"][0]["html"]


def test_S9_words_of_a_moderator_are_escaped_in_the_answer(moderator_client: Client, cleo: Signature) -> None:
    single_decisions.reject(cleo, by=4711, reason="first")
    fields = {"decide": f"hold:{cleo.pk}", "own_words": "<img src=x>"}
    said = moderator_client.post(QUEUE, fields, headers=JSON).json()
    assert "&lt;img" in str(said["messages"]) and "<img" not in str(said["messages"])


def test_a_decision_is_answered_with_the_counts_of_the_page(moderator_client: Client, cleo: Signature) -> None:
    said = moderator_client.post(QUEUE, {"decide": f"hold:{cleo.pk}"}, headers=JSON).json()
    assert (
        said["put_aside"] == {"hold": 1, "asked": 0} and "<bdi>moderator</bdi> <strong>1</strong>" in said["progress"]
    )
    assert f"Held no. {cleo.pk}, just now" in said["history"]


def test_ticked_rows_are_decided_and_signers_asked_by_the_same_answer(moderator_client: Client, letter: Letter) -> None:
    rows = make_waiting(letter, 4)
    asked, decided = [row.pk for row in rows[:1]], [row.pk for row in rows[1:3]]
    fields = {"action": "ask", "_selected_action": asked, "question": "your-name"}
    said = moderator_client.post(QUEUE, fields, headers=JSON).json()
    assert said["changed"] == asked and said["put_aside"]["asked"] == 1 and said["undo"] == ""
    said = moderator_client.post(QUEUE, {"action": "approve", "_selected_action": decided}, headers=JSON).json()
    assert sorted(said["changed"]) == decided and "Approved 2 signatures" in said["history"]
    said = moderator_client.post(QUEUE, {"undo_mine": said["undo"]}, headers=JSON).json()
    assert sorted(said["changed"]) == decided and state_of(rows[1])[0] == State.WAITING


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
    assert waiting.context["overview"].put_aside == {"hold": 1, "asked": 1}
    page = moderator_client.get(f"{QUEUE}?tab=held")
    at = AuditEntry.objects.get(action="hold").at
    assert names_on(page) == [held.name] and f"mina, {at:%Y-%m-%d %H:%M} UTC" in page.content.decode()
    assert "Ask her union first" in page.content.decode() and f"hold:{held.pk}" not in page.content.decode()
    page = moderator_client.get(f"{QUEUE}?tab=asked")
    assert names_on(page) == [asked.name] and "your-name" in page.content.decode()
    assert names_on(moderator_client.get(f"{QUEUE}?q={held.pk}")) == [held.name], "who looks for it finds it"


def test_the_tabs_of_what_is_put_aside_read_their_own_index() -> None:
    assert reads_only(Signature.objects.put_aside().order_by("signed_up_at", "id"), "put_aside")


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
        "one network (/48): 3 wait",
        "same words: 3 wait",
    ):
        assert shown in text


def test_what_a_row_has_in_common_is_counted_among_all_that_wait_on_any_page(
    moderator_client: Client, letter: Letter
) -> None:
    rows = make_waiting(letter, 120)
    variants = ["Freedom NOW, for all of Korea!", "freedom now for all of korea 2", "Fréedom now - for all of Korea"]
    for row, comment in zip(rows[::40], variants, strict=True):
        Signature.objects.filter(pk=row.pk).update(network="n", comment=comment)
    single_decisions.approve(
        make_signature(letter, "Decided", State.WAITING, network="n", comment=variants[0]), by=4711
    )
    text = moderator_client.get(QUEUE).content.decode()
    assert text.count("one network (/48): 3 wait") == text.count("same words: 3 wait") == 2, "of the rows of this page"


def test_a_flood_is_counted_to_a_limit_and_from_its_own_indexes(
    moderator_client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "MOST", 3)
    shared = {"network": "n", "mailbox": "m", "name_key": "kim min"}
    for number in range(5):
        make_waiting(letter, 1, **shared, comment=f"Freedom now for all {number} of Korea")
    text = moderator_client.get(QUEUE).content.decode()
    for words in (
        "one network (/48): more than 3 wait",
        "same words: more than 3 wait",
        "more than 3 from one mailbox holder",
        "3 or more of the same name",
    ):
        assert text.count(words) == 5
    assert moderator_client.get(f"{QUEUE}?tab=batch").content.decode().count("3 or more of the same name") == 5
    values = {"networks": ["n"], "comments": ["Freedom"], "most": 4}
    assert reads_only(clusters.COUNT_ALIKE, "waiting_networks", "waiting_comments", params=values)


@pytest.mark.parametrize(
    "comment",
    ["Freedom NOW!", "freedom, now", "FREEDOM 2 NOW", "Frëedom now…", "ｆｒｅｅｄｏｍ ｎｏｗ", "自由！", "«自由»"],
)
def test_the_database_takes_for_one_text_what_screening_does(comment: str) -> None:
    texts = ["Freedom now", "自由", "Freedom never"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT text, signatures_comment_key(text) = signatures_comment_key(%s) FROM unnest(%s) AS text",
            [comment, texts],
        )
        found = dict(cursor.fetchall())
    assert found == {text: checks.text_key(text) == checks.text_key(comment) for text in texts}


def test_filters_in_use_are_chips_that_remove_them(moderator_client: Client, cleo: Signature) -> None:
    page = moderator_client.get(f"{QUEUE}?language=en&flagged=no")
    assert [(chip.title, chip.value) for chip in page.context["cl"].chips] == [
        ("flags", "not flagged"),
        ("language", "English"),
    ]
    assert page.context["cl"].chips[0].without == "?language=en"
    assert "Show all" not in page.content.decode() and "1 result" in page.content.decode()


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
    assert f"{at:%Y-%m-%d %H:%M} UTC · Held." in text and "<bdi>mina</bdi>" in text
    assert "staff " + str(colleague.pk) not in text


def test_the_queue_tells_what_each_moderator_decided_today(
    moderator_client: Client, letter: Letter, colleague: User, moderator: User
) -> None:
    rows = make_waiting(letter, 4)
    for row in rows[:3]:
        single_decisions.approve(row, by=colleague.pk)
    single_decisions.approve(rows[3], by=moderator.pk)
    decisions.undo(rows[0], by=colleague.pk)
    assert moderator_client.get(QUEUE).context["progress"] == [("mina", 2), ("moderator", 1)], "one was undone"
