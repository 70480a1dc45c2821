"""Moderators decide in the list of all signatures, and can undo a decision."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import transitions
from signatures.models import AuditEntry, Signature, Submission
from signatures.moderation import decisions
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from signatures.values import tokens
from tests import single_decisions
from tests.factories import make_signature

pytestmark = pytest.mark.django_db
ALL = "/admin/signatures/signature/"


def act(moderator_client: Client, action: str, *rows: Signature, reason: str = "") -> Any:
    return moderator_client.post(
        ALL,
        {"action": action, "_selected_action": [row.pk for row in rows], "own_words": reason, "index": "0"},
        follow=True,
    )


def act_on_one(moderator_client: Client, action: str, row: Signature, reason: str = "") -> Any:
    page = f"{ALL}{row.pk}/change/"
    form = moderator_client.get(page).context["action_form"]
    return moderator_client.post(
        page,
        {
            form.add_prefix("action"): action,
            form.add_prefix("reason"): reason,
            "index": "0",
            "_selected_action": row.pk,
        },
        follow=True,
    )


def test_the_list_shows_signatures_and_the_counts_by_state(
    moderator_client: Client, ada: Signature, cleo: Signature
) -> None:
    make_signature(ada.letter, "Flagged", State.WAITING, flags=["link"])
    page = moderator_client.get(ALL).content.decode()
    assert "Cleo Patra" in page and "Ada Lovelace" in page
    assert "waiting: <strong>2</strong>" in page and "approved: <strong>1</strong>" in page
    assert "waiting with a flag: <strong>1</strong>" in page


@pytest.mark.parametrize(
    "query",
    [
        "q=Cleo",
        "state__exact=waiting",
        "flagged=no&state__exact=waiting",
        "visibility__exact=public&q=Patra",
        "language=en&q=Cleo",
    ],
)
def test_search_and_filters_find_a_signature(
    moderator_client: Client, ada: Signature, cleo: Signature, query: str
) -> None:
    page = moderator_client.get(f"{ALL}?{query}").content.decode()
    assert "Cleo Patra" in page and "Ada Lovelace" not in page


def test_the_country_filter_offers_the_countries_that_occur(
    moderator_client: Client, ada: Signature, cleo: Signature
) -> None:
    page = moderator_client.get(f"{ALL}?country=GB").content.decode()
    assert "Ada Lovelace" in page and "Cleo Patra" not in page and "United Kingdom" in page


def test_approving_in_bulk_shows_the_names_at_once(
    moderator_client: Client, client: Client, cleo: Signature, moderator: User
) -> None:
    other = make_signature(cleo.letter, "Other", State.WAITING)

    act(moderator_client, "approve", cleo, other)

    cleo.refresh_from_db()
    assert (cleo.state, cleo.approved_on) == (State.APPROVED, timezone.now().date())
    entry = AuditEntry.objects.get(signature_id=cleo.pk)
    assert (entry.action, entry.staff_id, entry.was, entry.now) == ("approve", moderator.pk, "waiting", "approved")
    assert "Cleo Patra" in client.get("/letters/bridge/signatories/").content.decode()


def test_approving_a_single_signature_from_its_own_page(moderator_client: Client, cleo: Signature) -> None:
    act_on_one(moderator_client, "approve", cleo)
    cleo.refresh_from_db()
    assert cleo.state == State.APPROVED


def test_rejecting_needs_a_reason_and_keeps_it_in_the_audit_log(moderator_client: Client, cleo: Signature) -> None:
    assert "a rejection needs a reason" in act(moderator_client, "reject", cleo).content.decode()
    cleo.refresh_from_db()
    assert cleo.state == State.WAITING

    act_on_one(moderator_client, "reject", cleo, reason="not a name")

    cleo.refresh_from_db()
    assert cleo.state == State.REJECTED
    page = moderator_client.get(f"{ALL}{cleo.pk}/change/").content.decode()
    assert "not a name" in page and "waiting → rejected" in page


def test_undo_restores_the_state_and_the_day_of_approval(moderator_client: Client, ada: Signature) -> None:
    Signature.objects.update(approved_on="2026-01-02")
    act(moderator_client, "reject", ada, reason="by mistake")
    act(moderator_client, "undo", ada)
    ada.refresh_from_db()
    assert (ada.state, str(ada.approved_on)) == (State.APPROVED, "2026-01-02")


def test_there_is_nothing_to_undo_before_a_decision_nor_twice(ada: Signature, cleo: Signature, moderator: User) -> None:
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.undo(cleo, by=moderator.pk)
    single_decisions.approve(cleo, by=moderator.pk)
    decisions.undo(cleo, by=moderator.pk)
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.undo(cleo, by=moderator.pk)


def test_a_withdrawal_cannot_be_undone_by_staff(ada: Signature, moderator: User) -> None:
    withdrawal.withdraw(ada)
    with pytest.raises(transitions.TransitionNotAllowed):
        decisions.undo(ada, by=moderator.pk)
    with pytest.raises(transitions.TransitionNotAllowed):
        single_decisions.approve(ada, by=moderator.pk)


def test_refused_signatures_are_reported_and_the_others_are_decided(
    moderator_client: Client, letter: Letter, cleo: Signature
) -> None:
    gone = make_signature(letter, "", State.WITHDRAWN)
    page = act(moderator_client, "approve", gone, cleo).content.decode()
    assert "1 signature changed." in page and "1 signature was not changed" in page
    gone.refresh_from_db()
    assert gone.state == State.WITHDRAWN


@pytest.mark.django_db(transaction=True)
def test_two_moderators_decide_one_signature_once(cleo: Signature, moderator: User) -> None:
    outcomes: list[str] = []
    gate = threading.Barrier(8)

    def decide() -> None:
        gate.wait()
        try:
            single_decisions.approve(cleo, by=moderator.pk)
            outcomes.append("ok")
        except transitions.TransitionNotAllowed:
            outcomes.append("not allowed")
        connection.close()

    threads = [threading.Thread(target=decide) for _each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["not allowed"] * 7 + ["ok"]
    assert AuditEntry.objects.count() == 1


def test_nobody_can_edit_add_or_delete_a_signature(admin_client: Client, cleo: Signature) -> None:
    page = f"{ALL}{cleo.pk}/"
    assert admin_client.get(f"{ALL}add/").status_code == 403
    assert admin_client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
    admin_client.post(f"{page}change/", {"name": "Other", "state": "approved", "_save": "1"})
    cleo.refresh_from_db()
    assert (cleo.name, cleo.state) == ("Cleo Patra", State.WAITING)
    assert "delete_selected" not in admin_client.get(ALL).content.decode()


def test_other_roles_see_and_change_nothing(cleo: Signature, editor: User, officer: User) -> None:
    for user in (editor, officer):
        client = Client()
        client.force_login(user)
        assert client.get(ALL).status_code == 403
        assert act(client, "approve", cleo).status_code == 403
    cleo.refresh_from_db()
    assert cleo.state == State.WAITING


def test_the_audit_log_is_read_only(moderator_client: Client, cleo: Signature, moderator: User) -> None:
    single_decisions.approve(cleo, by=moderator.pk)
    entry = AuditEntry.objects.get()
    assert "approve" in moderator_client.get("/admin/signatures/auditentry/").content.decode()
    assert moderator_client.get(f"/admin/signatures/auditentry/{entry.pk}/change/").status_code == 200
    assert moderator_client.get("/admin/signatures/auditentry/add/").status_code == 403
    assert moderator_client.post(f"/admin/signatures/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_no_admin_page_shows_an_email_address(
    admin_client: Client, client: Client, form: dict[str, str], letter: Letter
) -> None:
    client.post("/letters/bridge/sign/", {**form, "email": "canary-7@example.org", "updates": "on"})
    submitted = Submission.objects.get()
    client.post(f"/signature/{tokens.personal_token(submitted.public_id)}/", {**form, "action": "confirm"})
    row = Signature.objects.get()
    for page in (ALL, f"{ALL}{row.pk}/change/", f"{ALL}?q=canary-7", "/admin/signatures/auditentry/", "/admin/"):
        text = admin_client.get(page).content.decode()
        assert "canary-7@example.org" not in text
        assert bytes(row.address_hash or b"").hex() not in text


def test_a_counted_signature_shows_no_name(moderator_client: Client, letter: Letter) -> None:
    make_signature(letter, "", visibility=Visibility.COUNTED)
    assert "(counted without a name)" in moderator_client.get(ALL).content.decode()
