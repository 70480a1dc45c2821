"""A signer who has no link asks staff: withdraw, erase, correct a typo, hide, send the link, confirm."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from campaign.models import Letter
from signatures import counts, retention, tombstones
from signatures.delivery import csv_export
from signatures.models import (
    AuditEntry,
    Delivery,
    OutboxMail,
    Signature,
    SignerRequest,
    Submission,
    Tombstone,
)  # fmt: skip
from signatures.moderation import requests
from signatures.registries.requests import Channel, RequestKind
from signatures.signing import changes, withdrawal
from signatures.states import State, Visibility
from signatures.transitions import EditConflict, TransitionNotAllowed
from signatures.values import sealing, tokens
from tests import single_decisions
from tests.factories import make_signature, signer_input
from tests.moderation.signer_requests import CORRECTED, WHY

pytestmark = pytest.mark.django_db


def ask(row: Signature, kind: str, by: User, **options: Any) -> SignerRequest:
    return requests.ask(row, RequestKind(kind), by=by.pk, **WHY, **options)


def page_of(row: Signature) -> str:
    return f"/signature/{tokens.personal_token(row.public_id)}/"


def now(row: Signature) -> Signature:
    return Signature.objects.get(pk=row.pk)


# Withdraw and erase


def test_A24_a_signature_is_withdrawn_on_request_with_reason_and_way(ada: Signature, owner: User) -> None:
    request = ask(ada, "withdraw", owner)
    assert (now(ada).state, now(ada).name, request.state) == (State.WITHDRAWN, "", "done")
    recorded, done = AuditEntry.objects.filter(signature_id=ada.pk).order_by("pk")
    assert (recorded.action, recorded.reason) == ("request", WHY["reason"])
    assert recorded.detail == {"request": request.pk, "kind": "withdraw", "channel": "in-person"}
    assert (done.action, done.staff_id, done.now) == ("withdraw-on-request", owner.pk, "withdrawn")


@pytest.mark.parametrize("paper", [False, True])
def test_A24_erasing_on_request_leaves_a_tombstone_also_of_a_signature_on_paper(
    letter: Letter, owner: User, *, paper: bool
) -> None:
    origin: dict[str, Any] = {"paper": True, "address_hash": None} if paper else {}
    row = make_signature(letter, "Ada Lovelace", **origin)
    restored = {field.attname: getattr(row, field.attname) for field in Signature._meta.concrete_fields}
    ask(row, "erase", owner)
    assert not Signature.objects.exists() and Tombstone.objects.get().public_id == tombstones.hidden(row.public_id)

    Signature.objects.create(**restored)  # a backup of yesterday
    Tombstone.objects.get()
    tombstones.sync()
    Tombstone.objects.all().delete()
    assert retention.erase_again([]) == 1, "the file beside the database knows of it"
    assert not Signature.objects.exists()
    tombstones.file_beside_database().unlink()


def test_A24_about_a_delivered_one_a_second_person_has_to_say_yes(
    ada: Signature, delivered: Delivery, owner: User, second: User
) -> None:
    request = ask(ada, "erase", owner)
    assert request.state == "open" and now(ada).name == "Ada Lovelace"
    with pytest.raises(TransitionNotAllowed):
        requests.confirm(request, by=owner.pk)
    with pytest.raises(TransitionNotAllowed):
        ask(ada, "erase", second)

    requests.confirm(request, by=second.pk)

    assert not Signature.objects.filter(pk=ada.pk).exists()
    entry = delivered.rows.get(signature_id=ada.pk)
    assert (entry.name, entry.salt, entry.signed_on) == ("", None, None)
    assert delivered.errata.count() == 1
    assert AuditEntry.objects.get(action="erase-on-request").staff_id == second.pk


def test_A24_the_database_refuses_that_one_person_changes_what_was_delivered(
    ada: Signature, delivered: Delivery, owner: User
) -> None:
    request = ask(ada, "withdraw", owner)
    for value in ("NULL", "staff_id"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE signatures_signerrequest SET state = 'done', decided_at = now(), decided_by = {value}"
            )
    assert SignerRequest.objects.get(pk=request.pk).state == "open"


def test_A24_a_request_can_be_declined_and_asked_again(ada: Signature, delivered: Delivery, owner: User) -> None:
    declined = requests.decline(ask(ada, "withdraw", owner), by=owner.pk)
    assert declined.state == "declined" and now(ada).state == State.APPROVED
    with pytest.raises(TransitionNotAllowed):
        requests.decline(declined, by=owner.pk)
    assert ask(ada, "withdraw", owner).state == "open"


def test_A24_nothing_is_done_without_a_reason_or_twice(ada: Signature, owner: User) -> None:
    with pytest.raises(TransitionNotAllowed):
        requests.ask(ada, RequestKind.WITHDRAW, by=owner.pk, reason=" ", channel=Channel.POST)
    ask(ada, "withdraw", owner)
    with pytest.raises(TransitionNotAllowed):
        ask(ada, "withdraw", owner)
    assert SignerRequest.objects.count() == 1


# Hide


def test_A24_a_hidden_name_leaves_the_website_alone_and_its_signer_cannot_show_it(
    letter: Letter, ada: Signature, owner: User, client: Client, words: dict[str, str]
) -> None:
    before = counts.for_letter(letter.pk)
    ask(ada, "hide", owner)
    assert not Signature.objects.public().exists() and Signature.objects.deliverable().get() == ada
    after = counts.for_letter(letter.pk)
    assert (after.total, after.delivered) == (before.total, before.delivered) and after.public == 0
    page = client.get(page_of(ada)).content.decode()
    assert "hidden on this website" in page and '<input type="radio" name="visibility" value="public"' in page

    stored = {name: getattr(ada, name) for name in ("name", "role", "organization", "country")}
    client.post(page_of(ada), {**words, **stored, "visibility": "public", "action": "change"})
    assert not Signature.objects.public().exists() and now(ada).chosen_visibility == Visibility.PUBLIC

    ask(ada, "show", owner)
    assert Signature.objects.public().get() == ada


def test_A24_a_hidden_name_that_its_signer_hides_stays_so(letter: Letter, ada: Signature, owner: User) -> None:
    ask(ada, "hide", owner)
    typed = {name: getattr(ada, name) for name in ("name", "role", "organization", "country")}
    changes.change(now(ada), signer_input(ada.translation, **typed, visibility="delivery"))
    assert now(ada).hidden_at is None and now(ada).visibility == Visibility.DELIVERY
    with pytest.raises(TransitionNotAllowed):
        ask(ada, "show", owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        Signature.objects.update(hidden_at=timezone.now(), visibility="public")


# Correct a typo


def test_A24_a_corrected_typo_is_kept_as_digests_and_its_signer_undoes_it(
    ada: Signature, owner: User, client: Client
) -> None:
    ask(ada, "correct", owner, words=CORRECTED)
    assert (now(ada).name, now(ada).name_key, now(ada).state) == ("Ada King", "ada king", State.APPROVED)
    assert "Lovelace" not in str(list(AuditEntry.objects.values())) and "King" not in str(
        list(AuditEntry.objects.values())
    )
    assert set(AuditEntry.objects.get(action="correct").detail) == {"request", "name"}
    assert "Ada Lovelace" in client.get(page_of(ada)).content.decode()

    client.post(page_of(ada), {"action": "undo-correction"})
    assert (now(ada).name, now(ada).state) == ("Ada Lovelace", State.APPROVED)
    assert "We corrected" not in client.get(page_of(ada)).content.decode()
    assert SignerRequest.objects.get().words is None
    client.post(page_of(ada), {"action": "undo-correction"})
    assert AuditEntry.objects.filter(action="undo-correction").count() == 1


def test_A24_words_that_nobody_approved_are_read_again_when_a_correction_is_undone(
    cleo: Signature, owner: User
) -> None:
    ask(cleo, "correct", owner, words={**CORRECTED, "name": "Cleopatra"})
    single_decisions.approve(cleo, by=owner.pk)
    changes.undo_correction(now(cleo))
    assert (now(cleo).name, now(cleo).state) == ("Cleo Patra", State.WAITING)


@pytest.mark.parametrize("how", ["withdraw", "erase", "change", "sql", "sixty days"])
def test_A24_the_former_words_go_with_the_signature_with_other_words_and_with_time(
    ada: Signature, owner: User, how: str
) -> None:
    ask(ada, "correct", owner, words=CORRECTED)
    assert SignerRequest.objects.get().words is not None
    match how:
        case "withdraw":
            withdrawal.withdraw(ada)
        case "erase":
            withdrawal.erase(ada)
        case "change":
            changes.change(ada, signer_input(ada.translation, name="Augusta"))
        case "sql":
            Signature.objects.update(role="Poet")
        case _:
            SignerRequest.objects.update(decided_at=timezone.now() - timedelta(days=61))
            assert retention.prune()[retention.FORMER_WORDS] == 1
    assert SignerRequest.objects.get().words is None


def test_A24_a_correction_that_waits_ends_when_its_signer_changes_the_words(
    ada: Signature, delivered: Delivery, owner: User, second: User
) -> None:
    request = ask(ada, "correct", owner, words=CORRECTED)
    changes.change(ada, signer_input(ada.translation, name="Augusta"))
    with pytest.raises(TransitionNotAllowed):
        requests.confirm(request, by=second.pk)
    assert now(ada).name == "Augusta"


def test_A24_a_correction_stores_what_is_different_and_nothing_that_was_changed_since_the_page(
    ada: Signature, owner: User
) -> None:
    shown = requests.words_of(ada)
    Signature.objects.update(role="Poet")
    with pytest.raises(EditConflict):
        ask(ada, "correct", owner, words={"name": "Ada King"}, shown=shown)
    assert (now(ada).name, now(ada).role) == ("Ada Lovelace", "Poet") and not SignerRequest.objects.exists()

    ask(ada, "correct", owner, words={"name": "Ada King"}, shown=requests.words_of(now(ada)))
    assert (now(ada).name, now(ada).role) == ("Ada King", "Poet")
    with pytest.raises(TransitionNotAllowed):
        ask(ada, "correct", owner, words={"name": "Ada King"})


def test_A24_a_correction_does_not_make_one_person_of_two(letter: Letter, ada: Signature, owner: User) -> None:
    make_signature(letter, "Ada King", address_hash=ada.address_hash, place=2)
    with pytest.raises(TransitionNotAllowed):
        ask(ada, "correct", owner, words=CORRECTED)
    assert now(ada).name == "Ada Lovelace" and not SignerRequest.objects.exists()


# Send the link again, and confirm on evidence


@pytest.mark.parametrize(("address", "sent"), [("ada@example.org", 1), ("eve@example.org", 0)])
def test_A24_the_link_goes_only_to_the_address_that_signed(
    letter: Letter, owner: User, address: str, sent: int
) -> None:
    key = sealing.address_hash("ada@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    request = ask(make_signature(letter, "Ada", address_hash=key), "resend", owner, address=address)
    assert request.state == "done" and OutboxMail.objects.filter(kind="links").count() == sent
    assert "example.org" not in str(list(AuditEntry.objects.values())) + str(list(SignerRequest.objects.values()))


def test_A24_what_staff_confirm_on_evidence_is_read_like_all_and_marked_in_the_export(
    ben: Submission, owner: User
) -> None:
    request = requests.confirm_on_evidence(ben, by=owner.pk, **WHY)
    row = Signature.objects.get()
    assert (row.pk, row.on_evidence, row.state, request.signature_id) == (ben.pk, True, State.WAITING, row.pk)
    assert AuditEntry.objects.get(now="waiting").action == "confirm-on-evidence"
    with pytest.raises(TransitionNotAllowed):
        requests.confirm_on_evidence(ben, by=owner.pk, **WHY)

    single_decisions.approve(row, by=owner.pk)
    make_signature(ben.letter, "On Paper", paper=True, address_hash=None)
    file = io.BytesIO()
    csv_export.write_list(ben.letter, file)
    lines = file.getvalue().decode().splitlines()[1:]
    assert [line.rpartition(",")[2] for line in lines] == ["evidence", "paper"]
