"""Two people may share a mailbox: both count when their names differ, and nobody replaces anybody unasked (S32)."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format

from campaign.models import Letter
from signatures import counts
from signatures.models import AuditEntry, OutboxMail, Signature, Submission
from signatures.moderation import requests
from signatures.outbox import sending
from signatures.registries.requests import RequestKind
from signatures.signing import withdrawal
from signatures.states import State, Visibility
from tests.factories import make_signature, make_submission
from tests.inbox import Inbox
from tests.moderation.signer_requests import WHY
from tests.signing.test_submissions import dora_in, links_in, page_of

SIGN, MY_LINK = "/letters/bridge/sign/", "/letters/bridge/my-link/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def dora(letter: Letter) -> Signature:
    """Confirmed and approved."""
    return make_signature(letter, "Dora Maar", role="Painter", country="FR", **dora_in(letter))


def typed(letter: Letter, name: str, **fields: Any) -> Submission:
    return make_submission(letter, name, **dora_in(letter), **fields)


def test_S32_both_sign_from_one_mailbox_and_both_count(
    client: Client, form: dict[str, str], words: dict[str, str], letter: Letter, inbox: Inbox
) -> None:
    for name in ("Dora Maar", "Pablo Picasso"):
        client.post(SIGN, {**form, "name": name})
        client.post(page_of(Submission.objects.get()), {**words, "name": name, "action": "confirm"})

    assert {(row.name, row.place) for row in Signature.objects.all()} == {("Dora Maar", 1), ("Pablo Picasso", 2)}
    assert counts.for_letter(letter.pk).total == 2

    client.post(MY_LINK, {"email": "dora@example.org"})
    OutboxMail.objects.exclude(kind="links").delete()
    sending.send_due()
    assert sorted(links_in(inbox)) == sorted(page_of(row) for row in Signature.objects.all()), "one email, both links"
    assert len(inbox) == 1


@pytest.mark.parametrize("leave", [withdrawal.withdraw, withdrawal.erase, withdrawal.not_me])
def test_S31_the_other_one_gets_the_links_that_wait_when_one_of_two_leaves(
    client: Client, dora: Signature, letter: Letter, inbox: Inbox, leave: Callable[[Signature], object]
) -> None:
    pablo = make_signature(letter, "Pablo Picasso", place=2, **dora_in(letter))
    client.post(MY_LINK, {"email": "dora@example.org"})
    leave(dora)
    sending.send_due()
    assert page_of(pablo) in links_in(inbox) and len(inbox) == 1


def test_the_links_that_wait_go_with_who_was_alone_in_a_mailbox(client: Client, dora: Signature, inbox: Inbox) -> None:
    client.post(MY_LINK, {"email": "dora@example.org"})
    withdrawal.withdraw(dora)
    assert not OutboxMail.objects.exists() and sending.send_due() == len(inbox) == 0


@pytest.mark.parametrize("name", ["Dora Maar", "MAAR, Dora", "dóra maar"])
def test_S32_who_confirms_under_the_same_name_is_told_and_asked(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter, name: str
) -> None:
    row = typed(letter, name)

    page = client.get(page_of(row)).content.decode()
    assert "You have signed already" in page and "Keep it as it is" in page and "Yes, replace the signature of" in page
    assert dora.confirmed_at is not None and str(dora.confirmed_at.year) in page

    answer = client.post(page_of(row), {**words, "name": name, "action": "confirm"})
    assert answer.status_code == 422 and "You have signed already" in answer.content.decode()
    assert Signature.objects.get() == dora and Submission.objects.get() == row, "nothing has changed"


def test_S32_the_email_says_that_something_stands_there_and_since_when(
    client: Client, dora: Signature, form: dict[str, str], inbox: Inbox
) -> None:
    client.post(SIGN, form)
    sending.send_due()
    body = inbox[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each email has a plain part
    assert dora.confirmed_at is not None
    assert f"was confirmed on {date_format(dora.confirmed_at)}" in body
    assert "Dora" not in body


def test_S32_keeping_it_changes_nothing_and_the_new_link_leads_there(
    client: Client, dora: Signature, letter: Letter
) -> None:
    row = typed(letter, "Dora Maar", role="Photographer")

    assert client.post(page_of(row), {"action": "keep"}).status_code == 303

    dora.refresh_from_db()
    assert (dora.role, dora.state) == ("Painter", State.APPROVED)
    assert not Submission.objects.exists() and not AuditEntry.objects.exists()
    assert "Painter" in client.get(page_of(row)).content.decode(), "its link works for ever"


def test_S32_replacing_it_is_a_change_that_is_looked_at(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    row = typed(letter, "Dora Maar", sealed_address=b"sealed")

    answer = client.post(page_of(row), {**words, "role": "Photographer", "action": f"replace:{dora.public_id.hex}"})

    assert answer.status_code == 303
    dora.refresh_from_db()
    assert (dora.role, dora.state) == ("Photographer", State.WAITING)
    assert dora.sealed_address is not None, "the wish for updates comes along"
    assert AuditEntry.objects.get().action == "change"
    assert Signature.objects.count() == 1 and counts.for_letter(letter.pk).total == 1
    for link in (page_of(row), page_of(dora)):
        assert "Photographer" in client.get(link).content.decode()


def test_S32_when_the_places_are_taken_a_third_name_is_told_and_may_replace_one_of_the_two(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    pablo = make_signature(letter, "Pablo Picasso", place=2, **dora_in(letter))
    row = typed(letter, "Françoise Gilot")

    page = client.get(page_of(row)).content.decode()
    assert "Dora Maar" in page and "Pablo Picasso" in page and "Yes, sign as another person" not in page
    confirm = {**words, "name": "Françoise Gilot", "action": "confirm"}
    assert client.post(page_of(row), confirm).status_code == 422

    client.post(page_of(row), {**confirm, "action": f"replace:{pablo.public_id.hex}"})

    names = dict(Signature.objects.values_list("pk", "name"))
    assert names == {dora.pk: "Dora Maar", pablo.pk: "Françoise Gilot"}


def test_S32_another_person_at_the_mailbox_signs_under_a_name_of_their_own(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    row = typed(letter, "Dora Maar")
    assert "Yes, sign as another person" in client.get(page_of(row)).content.decode()
    client.post(page_of(row), {**words, "name": "Pablo Picasso", "action": "confirm"})
    assert set(Signature.objects.values_list("name", flat=True)) == {"Dora Maar", "Pablo Picasso"}


def test_S32_a_letter_may_allow_one_person_only(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    Letter.objects.update(signers_per_mailbox=1)
    row = typed(letter, "Pablo Picasso")
    answer = client.post(page_of(row), {**words, "name": "Pablo Picasso", "action": "confirm"})
    assert answer.status_code == 422 and "Yes, sign as another person" not in answer.content.decode()
    assert Signature.objects.get() == dora


def test_S32_without_a_name_nobody_can_tell_two_people_apart(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    row = typed(letter, "", visibility="counted")
    assert "You have signed already" in client.get(page_of(row)).content.decode()
    assert client.post(page_of(row), {**words, "visibility": "counted", "action": "confirm"}).status_code == 422
    assert counts.for_letter(letter.pk).total == 1


def test_S32_replacing_never_reaches_another_kind_of_signer(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    row = typed(letter, "Dora Maar")
    replace = {**words, "kind": "organization", "name": "Guild", "action": f"replace:{dora.public_id.hex}"}
    answer = client.post(page_of(row), replace)
    dora.refresh_from_db()
    assert answer.status_code == 422 and "Guild" in answer.content.decode(), "what was typed is shown again"
    assert (dora.name, dora.kind) == ("Dora Maar", "person")


@pytest.mark.parametrize("name", ["Dora Maar", "maar dora"])
def test_S32_a_change_makes_no_second_signature_of_one_name(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter, name: str
) -> None:
    pablo = make_signature(letter, "Pablo Picasso", place=2, **dora_in(letter))
    answer = client.post(page_of(pablo), {**words, "name": name, "action": "change"})
    assert answer.status_code == 422 and "only with a name of their own" in answer.content.decode()
    pablo.refresh_from_db()
    assert pablo.name == "Pablo Picasso"


def test_S32_one_of_two_people_may_take_the_name_away_and_the_other_change_theirs(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    pablo = make_signature(letter, "Pablo Picasso", place=2, **dora_in(letter))
    assert client.post(page_of(pablo), {**words, "visibility": "counted", "action": "change"}).status_code == 303
    assert client.post(page_of(dora), {**words, "name": "Dora M.", "action": "change"}).status_code == 303
    assert set(Signature.objects.values_list("name", flat=True)) == {"", "Dora M."}


@pytest.mark.django_db(transaction=True)
def test_S32_two_people_who_confirm_at_the_same_moment_both_get_a_place(letter: Letter, words: dict[str, str]) -> None:
    rows = [typed(letter, name, place=n) for n, name in enumerate(("Dora Maar", "Pablo Picasso"), start=1)]
    gate, answers = threading.Barrier(2), []

    def press(row: Submission) -> None:
        gate.wait()
        answers.append(Client().post(page_of(row), {**words, "name": row.name, "action": "confirm"}).status_code)
        connection.close()

    threads = [threading.Thread(target=press, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303, 303]
    assert set(Signature.objects.values_list("name", "place")) in (
        {("Dora Maar", 1), ("Pablo Picasso", 2)},
        {("Dora Maar", 2), ("Pablo Picasso", 1)},
    )


def test_S32_who_comes_back_to_a_page_that_is_over_loses_no_word(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    row = typed(letter, "Dora Maar")
    client.post(page_of(row), {"action": "keep"})
    answer = client.post(page_of(row), {**words, "name": "Pablo Picasso", "action": "confirm"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "This link leads to a signature already" in page and "Pablo Picasso" in page
    assert Signature.objects.get() == dora


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "most"), [("Dora Maar", 4), ("Dora M.", 7)])
def test_confirming_takes_four_statements_and_seven_with_other_words(
    client: Client, letter: Letter, words: dict[str, str], name: str, most: int
) -> None:
    first = make_submission(letter, "Somebody", address_hash=b"1" * 32)
    client.post(page_of(first), {**words, "name": "Somebody", "action": "confirm"})  # fills the caches of the process
    row = typed(letter, "Dora Maar", role="Painter", country="FR")
    with CaptureQueriesContext(connection) as asked:
        client.post(page_of(row), {**words, "name": name, "action": "confirm"})
    statements = [
        query["sql"] for query in asked if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
    ]
    assert len(statements) <= most, [statement[:80] for statement in statements]


def test_a_person_and_an_organization_take_no_place_from_each_other(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    row = typed(letter, "Dora Maar", kind="organization")
    client.post(page_of(row), {**words, "kind": "organization", "action": "confirm"})
    assert set(Signature.objects.values_list("kind", "place")) == {("person", 1), ("organization", 1)}


def test_a_place_becomes_free_when_somebody_leaves(
    client: Client, dora: Signature, words: dict[str, str], letter: Letter
) -> None:
    make_signature(letter, "Pablo Picasso", place=2, **dora_in(letter))
    client.post(page_of(dora), {"action": "withdraw"})
    row = typed(letter, "Françoise Gilot")
    client.post(page_of(row), {**words, "name": "Françoise Gilot", "action": "confirm"})
    assert Signature.objects.get(pk=row.pk).place == 1


@pytest.mark.parametrize("place", [1, 3, None])
def test_S32_the_database_refuses_a_taken_place_a_third_one_and_none(dora: Signature, place: int | None) -> None:
    with pytest.raises(IntegrityError, match="place"), transaction.atomic():
        make_signature(dora.letter, "Somebody Else", place=place, **dora_in(dora.letter))


@pytest.mark.parametrize(
    ("kind", "visibility", "hidden", "chose"),
    [
        ("person", "public", False, "on this website and in the delivered letter"),
        ("person", "public", True, "on this website and in the delivered letter"),
        ("person", "delivery", False, "in the delivered letter only"),
        ("person", "counted", False, "nowhere: count me without my name"),
        ("organization", "public", True, "on this website and in the delivered letter"),
        ("organization", "counted", False, "nowhere: count us without our name"),
    ],
)
def test_each_page_tells_signers_what_they_chose_and_not_what_staff_made_of_it(
    client: Client, letter: Letter, owner: User, kind: str, visibility: Visibility, hidden: bool, chose: str
) -> None:
    """Both in their own words: on the page of the signature, and where the same mailbox is about to sign again."""
    name = "" if visibility == Visibility.COUNTED else "Dora Maar"
    row = make_signature(letter, name, visibility=visibility, kind=kind, **dora_in(letter))
    if hidden:
        requests.ask(row, RequestKind.HIDE, by=owner.pk, **WHY)
    again = typed(letter, name or "Dora Maar", kind=kind)
    for page in (page_of(row), page_of(again)):
        told = re.findall(r"<dt>You chose</dt><dd>(.*?)</dd>", client.get(page).content.decode())
        assert told == [chose]
