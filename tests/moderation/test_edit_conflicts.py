"""Edit conflicts: the second of two people learns what the first one did, and overwrites nothing (threat model A7)."""

import threading
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from campaign.letters.publishing import revise
from campaign.models import Letter
from signatures import transitions
from signatures.audit import audit_log
from signatures.models import AuditEntry, RateLimit, Signature, Submission
from signatures.moderation import decisions, featured
from signatures.registries import READ_ACTIONS, AuditAction
from signatures.signing import withdrawal
from signatures.states import Kind, State
from signatures.values import tokens
from tests import single_decisions
from tests.admin_forms import fill_in
from tests.factories import WORDS, make_many, make_signature
from tests.waiting import blocks_another, wait_until

pytestmark = pytest.mark.django_db
QUEUE = "/admin/signatures/waitingsignature/"
ALL = "/admin/signatures/signature/"
FEATURED = "/admin/signatures/featuredsignature/"
STAFF = ("approve", "reject", "hold", "ask", "feature")


def seen_on(moderator_client: Client, page: str) -> str:
    """Returns the newest audit entry that a page knows, as its form sends it."""
    return str(moderator_client.get(page).context["as_of"])


def send(moderator_client: Client, action: str, *rows: Signature, as_of: str, page: str = QUEUE, **more: str) -> str:
    form = {"action": action, "_selected_action": [row.pk for row in rows], "index": "0", "as_of": as_of}
    form |= {"own_words": "no name", "question": "your-name", **more}
    return moderator_client.post(page, form, follow=True).content.decode()


def actions_on(row: Signature) -> list[str]:
    entries = AuditEntry.objects.filter(signature_id=row.pk).exclude(action__in=READ_ACTIONS)
    return list(entries.order_by("pk").values_list("action", flat=True))


def as_stored(row: Signature) -> dict[str, Any]:
    return dict(Signature.objects.filter(pk=row.pk).values().get())


def by_signer(row: Signature, verb: str, words: dict[str, str]) -> None:
    answer = Client().post(f"/signature/{tokens.personal_token(row.public_id)}/", {**words, "action": verb})
    assert answer.status_code == 303


@pytest.mark.parametrize(("first", "second"), [*product([*STAFF, "change", "withdraw"], STAFF)])
def test_A7_no_action_overwrites_one_that_the_page_did_not_show(
    cleo: Signature, moderator_client: Client, colleague_client: Client, words: dict[str, str], first: str, second: str
) -> None:
    as_of = seen_on(moderator_client, QUEUE)
    assert seen_on(colleague_client, QUEUE) == as_of
    if first in STAFF:
        send(colleague_client, first, cleo, as_of=as_of)
    else:
        by_signer(cleo, first, words)
    stored = as_stored(cleo)
    assert actions_on(cleo) == [first]

    page = send(moderator_client, second, cleo, as_of=as_of)

    assert as_stored(cleo) == stored and actions_on(cleo) == [first]
    assert "was not changed" in page
    assert ("Somebody else (mina)" if first in STAFF else "Its signer") in page
    assert f"Its state is now: {State(stored['state']).label}" in page


@pytest.mark.parametrize("action", STAFF)
def test_A7_after_reloading_the_page_the_action_is_possible(
    cleo: Signature, moderator_client: Client, colleague_client: Client, action: str
) -> None:
    send(colleague_client, "hold", cleo, as_of=seen_on(colleague_client, QUEUE))
    if action != "hold":
        send(moderator_client, action, cleo, as_of=seen_on(moderator_client, QUEUE))
        assert actions_on(cleo) == ["hold", action]


def test_A7_own_actions_are_no_conflict(cleo: Signature, moderator_client: Client) -> None:
    as_of = seen_on(moderator_client, QUEUE)
    for action in ("hold", "ask", "approve"):
        send(moderator_client, action, cleo, as_of=as_of)
    assert actions_on(cleo) == ["hold", "ask", "approve"]


def test_A7_a_view_is_no_conflict(cleo: Signature, moderator_client: Client, colleague: User) -> None:
    as_of = seen_on(moderator_client, QUEUE)
    audit_log.record(AuditAction.VIEW, staff_id=colleague.pk, signature_id=cleo.pk)
    send(moderator_client, "approve", cleo, as_of=as_of)
    assert actions_on(cleo) == ["approve"]


def test_A7_lists_and_forms_carry_the_newest_audit_entry(
    cleo: Signature, moderator_client: Client, colleague: User
) -> None:
    single_decisions.hold(cleo, by=colleague.pk)
    for page in (QUEUE, ALL, f"{QUEUE}{cleo.pk}/change/", f"{ALL}{cleo.pk}/change/"):
        newest = AuditEntry.objects.latest("pk").pk
        assert f'<input type="hidden" name="as_of" value="{newest}">' in moderator_client.get(page).content.decode(), (
            page
        )


def test_A7_a_bulk_action_leaves_conflicting_signatures_alone(
    letter: Letter, moderator_client: Client, colleague: User
) -> None:
    rows = make_many(letter, 8, state=State.WAITING)
    as_of = seen_on(moderator_client, QUEUE)
    for row in rows[:2]:
        single_decisions.hold(row, by=colleague.pk)

    page = send(moderator_client, "approve", *rows, as_of=as_of)

    assert "6 signatures changed." in page and "2 signatures were not changed" in page
    assert [as_stored(row)["flags"] for row in rows[:2]] == [["hold"], ["hold"]]
    assert f"{rows[0].pk}</a>: Somebody else (mina) held it at" in page


def test_A7_select_all_means_those_that_the_page_could_show(
    letter: Letter, moderator_client: Client, colleague: User, ben: Submission
) -> None:
    rows = make_many(letter, 4, state=State.WAITING)
    as_of = seen_on(moderator_client, QUEUE)
    single_decisions.hold(rows[0], by=colleague.pk)
    came_later = make_signature(letter, "Later", State.WAITING)
    audit_log.record(AuditAction.CONFIRM, signature_id=came_later.pk, now="waiting")

    send(moderator_client, "approve", rows[1], as_of=as_of, select_across="1")

    assert [as_stored(row)["state"] for row in rows] == ["waiting", *["approved"] * 3]
    assert as_stored(came_later)["state"] == "waiting"


def test_A7_the_page_of_one_signature_says_who_changed_it_and_shows_its_state(
    cleo: Signature, moderator_client: Client, colleague: User
) -> None:
    page = f"{ALL}{cleo.pk}/change/"
    as_of, form = seen_on(moderator_client, page), moderator_client.get(page).context["action_form"]
    single_decisions.hold(cleo, by=colleague.pk)

    fields = {form.add_prefix("action"): "approve", "index": "0", "_selected_action": cleo.pk, "as_of": as_of}
    page_after = moderator_client.post(page, fields, follow=True).content.decode()

    assert "Somebody else (mina) held it" in page_after and "Staff hold it." in page_after
    assert actions_on(cleo) == ["hold"]


def test_A7_undo_my_decision_leaves_later_changes_by_others(
    cleo: Signature, moderator_client: Client, colleague: User
) -> None:
    send(moderator_client, "hold", cleo, as_of=seen_on(moderator_client, QUEUE))
    decisions.ask_question(cleo, by=colleague.pk, question="your-name")

    page = moderator_client.post(QUEUE, {"undo_mine": "1"}, follow=True).content.decode()

    assert "was not changed" in page and as_stored(cleo)["flags"] == ["asked", "hold"]


def test_A7_the_undo_action_leaves_changes_that_the_page_did_not_show(
    ada: Signature, moderator_client: Client, colleague: User, moderator: User
) -> None:
    single_decisions.hold(ada, by=moderator.pk)
    as_of = seen_on(moderator_client, ALL)
    single_decisions.approve(ada, by=colleague.pk)
    send(moderator_client, "undo", ada, as_of=as_of, page=ALL)
    assert actions_on(ada) == ["hold", "approve"]


def test_A7_a_signature_that_was_erased_meanwhile_is_reported(cleo: Signature, moderator_client: Client) -> None:
    as_of = seen_on(moderator_client, QUEUE)
    withdrawal.erase(cleo)
    assert "1 signature was deleted meanwhile." in send(moderator_client, "approve", cleo, as_of=as_of)


@pytest.mark.parametrize("as_of", ["", "x", "-1", "9" * 30, "１"])
def test_A7_an_invalid_audit_entry_id_is_ignored(cleo: Signature, moderator_client: Client, as_of: str) -> None:
    send(moderator_client, "approve", cleo, as_of=as_of)
    assert as_stored(cleo)["state"] == "approved"


def make_featured(letter: Letter, *names: str, **fields: Any) -> list[Signature]:
    return [make_signature(letter, name, featured_position=n, **fields) for n, name in enumerate(names, start=1)]


def shown_names(moderator_client: Client) -> list[str]:
    return [row.name for row in moderator_client.get(FEATURED).context["cl"].result_list]


def test_staff_order_featured_signatures_by_buttons_and_the_public_list_follows(
    letter: Letter, moderator_client: Client, moderator: User
) -> None:
    one, two, three = make_featured(letter, "One", "Two", "Three")
    make_signature(letter, "Nobody special")
    assert shown_names(moderator_client) == ["One", "Two", "Three"]

    moderator_client.post(FEATURED, {"move": f"up:{three.pk}"})
    moderator_client.post(FEATURED, {"move": f"down:{one.pk}"})

    assert shown_names(moderator_client) == ["Three", "One", "Two"]
    assert [row.name for row in Signature.objects.filter(letter=letter).public().featured()] == shown_names(
        moderator_client
    )
    entry = AuditEntry.objects.get(signature_id=one.pk)
    assert (entry.action, entry.staff_id, entry.detail) == ("move-featured", moderator.pk, {"place": 2})
    assert actions_on(three) == ["move-featured"] * 2 and actions_on(two) == ["move-featured"]


def test_a_featured_signature_moves_among_its_own_kind_and_not_beyond_the_end(
    letter: Letter, moderator_client: Client
) -> None:
    (guild,) = make_featured(letter, "Guild", kind=Kind.ORGANIZATION)
    one, two = make_featured(letter, "One", "Two")
    for way, row in (("up", guild), ("down", guild), ("up", one), ("down", two)):
        assert (
            "was not changed"
            in moderator_client.post(FEATURED, {"move": f"{way}:{row.pk}"}, follow=True).content.decode()
        )
    moderator_client.post(FEATURED, {"move": f"up:{two.pk}"})
    assert shown_names(moderator_client) == ["Guild", "Two", "One"]


def test_no_more_signatures_are_featured_than_the_first_page_holds(
    letter: Letter, ada: Signature, moderator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signatures.moderation.featured.MAX_FEATURED", 2)
    make_featured(letter, "One", "Two")
    with pytest.raises(transitions.TransitionNotAllowed):
        featured.feature(ada, by=moderator.pk)


def test_A7_two_moves_of_featured_signatures_do_not_undo_each_other(
    letter: Letter, moderator_client: Client, colleague: User
) -> None:
    one, two, _three = make_featured(letter, "One", "Two", "Three")
    as_of = seen_on(moderator_client, FEATURED)
    featured.move(two, by=colleague.pk, up=True)
    page = moderator_client.post(FEATURED, {"move": f"up:{two.pk}", "as_of": as_of}, follow=True).content.decode()
    assert "moved it among the featured" in page and shown_names(moderator_client) == ["Two", "One", "Three"]
    moderator_client.post(FEATURED, {"move": f"up:{one.pk}", "as_of": as_of})
    assert shown_names(moderator_client) == ["Two", "One", "Three"], "its neighbor was moved by another"


def test_only_moderators_order_featured_signatures(letter: Letter, officer: User, editor: User) -> None:
    _one, two = make_featured(letter, "One", "Two")
    for user in (officer, editor):
        client = Client()
        client.force_login(user)
        assert client.get(FEATURED).status_code == 403
        assert client.post(FEATURED, {"move": f"up:{two.pk}"}).status_code == 403
    assert not AuditEntry.objects.filter(action="move-featured").exists()


@pytest.fixture
def owners() -> tuple[Client, Client]:
    """Two owners, who may edit limits and letters."""
    clients = Client(), Client()
    for number, client in enumerate(clients, start=1):
        client.force_login(User.objects.create_superuser(f"owner-{number}", password="a long enough password"))
    return clients


def filled_in(client: Client, page: str) -> dict[str, Any]:
    form = client.get(page).context["adminform"].form
    return {name: value for name in form.fields if (value := form[name].value()) is not None}


def test_A7_of_two_owners_editing_one_limit_the_second_gets_a_message_and_may_save_again(
    owners: tuple[Client, Client], db: None
) -> None:
    limit = RateLimit.objects.all()[0]
    page, (one, two) = f"/admin/signatures/ratelimit/{limit.pk}/change/", owners
    first, second = filled_in(one, page), filled_in(two, page)
    assert one.post(page, {**first, "max_count": 111}).status_code == 302

    answer = two.post(page, {**second, "max_count": 222})

    text = answer.content.decode()
    assert (
        answer.status_code == 200
        and "Somebody else (owner-1) changed this at" in text
        and "as it is stored:<br>111<" in text
    )
    limit.refresh_from_db()
    assert limit.max_count == 111

    assert two.post(page, {**filled_in_again(answer), "max_count": 222}).status_code == 302
    limit.refresh_from_db()
    assert limit.max_count == 222
    reasons = AuditEntry.objects.filter(action="set-ratelimit").order_by("pk").values_list("reason", flat=True)
    assert len(reasons) == 2 and not any("as_seen" in reason for reason in reasons)


def filled_in_again(answer: Any) -> dict[str, Any]:
    form = answer.context["adminform"].form
    return {name: value for name in form.fields if (value := form[name].value()) is not None}


def test_A7_two_owners_editing_one_letter(owners: tuple[Client, Client], letter: Letter) -> None:
    page, (one, two) = f"/admin/campaign/letter/{letter.pk}/step/signing/", owners
    forms = [fill_in(client, page) for client in owners]
    assert one.post(page, {**forms[0], "goal": 5000}).status_code == 302
    assert "Somebody else (owner-1)" in two.post(page, {**forms[1], "state": "closed"}).content.decode()
    letter.refresh_from_db()
    assert (letter.goal, letter.state) == (5000, "open")


def test_A7_two_editors_editing_one_draft(owners: tuple[Client, Client], letter: Letter) -> None:
    draft = revise(letter, "ko", WORDS)
    page, (one, two) = f"/admin/campaign/translation/{draft.pk}/change/", owners
    forms = [filled_in(client, page) for client in owners]
    answer = one.post(page, {**forms[0], "title": "First"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert "Somebody else (owner-1)" in two.post(page, {**forms[1], "title": "Second"}).content.decode()
    draft.refresh_from_db()
    assert draft.title == "First"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("one", "two"),
    [("approve", "reject"), ("approve", "hold"), ("hold", "ask"), ("hold", "feature"), ("ask", "approve"),
     ("feature", "reject"), ("change", "approve"), ("change", "hold"), ("withdraw", "approve")],
)  # fmt: skip
def test_A7_of_two_simultaneous_actions_one_is_refused(
    cleo: Signature, moderator_client: Client, colleague_client: Client, words: dict[str, str], one: str, two: str
) -> None:
    """Two threads, two clients, one page: one decision of staff. A signer may still change the words after it."""
    as_of = seen_on(moderator_client, QUEUE)
    pages: list[str] = []
    ready = threading.Barrier(2)

    def at_once(act: Callable[[], Any]) -> None:
        try:
            ready.wait(timeout=5)
            pages.append(str(act()))
        finally:
            connection.close()

    acts = [
        (lambda: by_signer(cleo, one, words)) if one in {"change", "withdraw"}
        else (lambda: send(colleague_client, one, cleo, as_of=as_of)),
        lambda: send(moderator_client, two, cleo, as_of=as_of),
    ]  # fmt: skip
    threads = [threading.Thread(target=at_once, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    done = actions_on(cleo)
    assert len(pages) == 2
    if one in {"change", "withdraw"}:
        assert done in ([one], [two, one])
        expected = "withdrawn" if one == "withdraw" else "waiting"
        assert as_stored(cleo)["state"] == expected, "the signer decides in the end"
    else:
        assert done in ([one], [two])
        assert sum("was not changed" in page for page in pages) == 1


@pytest.mark.django_db(transaction=True)
def test_A7_a_decision_that_waited_for_another_one_notices_it(cleo: Signature, moderator: User) -> None:
    """The waiting statement cannot see the entry of the first one in its snapshot, but it sees another row version."""
    as_of = audit_log.newest_id()
    done: list[decisions.DecisionResult] = []

    def second() -> None:
        try:
            rows = Signature.objects.filter(pk=cleo.pk)
            done.append(decisions.decide(AuditAction.APPROVE, rows, by=moderator.pk, as_of=as_of))
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        transitions.lock(cleo)
        single_decisions.hold(cleo, by=4711)
        thread.start()
        wait_until(blocks_another, 60)
    thread.join(20)

    assert (done[0].decided, done[0].refused, list(done[0].refused_ids)) == (0, 1, [cleo.pk])
    assert as_stored(cleo)["flags"] == ["hold"]
