"""A signer withdraws."""

import pytest
from django.test import Client

from campaign.models import Letter
from signatures import counts
from signatures.models import AuditEntry, Signature
from signatures.signing import changes, withdrawal
from signatures.states import State, Visibility
from signatures.transitions import TransitionNotAllowed
from signatures.values import tokens
from tests.factories import make_signature, signer_input

pytestmark = pytest.mark.django_db


def test_withdrawing_blanks_the_words_and_takes_the_name_off_page_list_and_count(
    client: Client, letter: Letter, ada: Signature
) -> None:
    page = f"/signature/{tokens.personal_token(ada.public_id)}/"
    assert "Ada Lovelace" in client.get("/letters/bridge/signatories/").content.decode()

    answer = client.post(page, {"action": "withdraw"})

    assert answer.status_code == 303
    ada.refresh_from_db()
    assert (ada.state, ada.name, ada.role, ada.organization, ada.country, ada.sealed_address) == (
        State.WITHDRAWN,
        "",
        "",
        "",
        "",
        None,
    )
    assert counts.for_letter(letter.pk).total == 0
    assert "taken back" in client.get(page).content.decode()


def test_the_audit_log_keeps_a_number_and_no_word(client: Client, ada: Signature) -> None:
    withdrawal.withdraw(ada)
    entry = AuditEntry.objects.get(action="withdraw")
    assert (entry.signature_id, entry.was, entry.now, entry.reason) == (ada.pk, "approved", "withdrawn", "")
    assert "Ada" not in str(entry.detail)


def test_withdrawing_deletes_the_digests_of_email_domain_network_and_bursts(letter: Letter) -> None:
    row = make_signature(letter, "Ada", domains=["d" * 16], network="e" * 16, marks=["f" * 16])
    withdrawal.withdraw(row)
    row.refresh_from_db()
    assert (row.domains, row.network, row.marks) == ([], "", [])


@pytest.mark.parametrize("visibility", Visibility)
def test_who_has_withdrawn_changes_nothing_any_more_not_even_into_what_is_stored(
    letter: Letter, visibility: Visibility
) -> None:
    name = "" if visibility == Visibility.COUNTED else "Ada Lovelace"
    row = withdrawal.withdraw(make_signature(letter, name, visibility=visibility))
    for typed in (name, row.name):
        with pytest.raises(TransitionNotAllowed):
            changes.change(row, signer_input(row.translation, name=typed, visibility=visibility))


@pytest.mark.parametrize("state", [state for state in State if state != State.WITHDRAWN])
def test_it_is_possible_from_every_state(letter: Letter, state: State) -> None:
    assert withdrawal.withdraw(make_signature(letter, "Ada", state)).state == State.WITHDRAWN


def test_doing_it_twice_leaves_one_entry(client: Client, ada: Signature) -> None:
    for _time in range(2):
        assert (
            client.post(f"/signature/{tokens.personal_token(ada.public_id)}/", {"action": "withdraw"}).status_code
            == 303
        )
    assert AuditEntry.objects.filter(action="withdraw").count() == 1


def test_opening_the_page_withdraws_nothing(client: Client, ada: Signature) -> None:
    client.get(f"/signature/{tokens.personal_token(ada.public_id)}/?action=withdraw")
    ada.refresh_from_db()
    assert ada.state == State.APPROVED
