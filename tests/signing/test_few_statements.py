"""Signing and confirming cost few statements, and a form that only cleans what was sent copies none of its fields."""

import time
from typing import Any

import pytest
from django.test import Client

from signatures.models import Signature, Submission
from signatures.signing import confirmation, mailbox_places
from signatures.signing.forms import SignForm
from signatures.values import tokens
from tests.factories import make_submission, signer_input

SIGN = "/letters/bridge/sign/"


@pytest.mark.django_db(transaction=True)
def test_a_sign_up_takes_two_statements_and_confirming_it_two(
    client: Client,
    form: dict[str, str],
    words: dict[str, str],
    django_assert_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: moment)  # however slow this machine is
    client.post(SIGN, {**form, "email": "before@example.org"})  # text, limits and blocklists are read
    client.get(f"/signature/{tokens.personal_token(Submission.objects.get().public_id)}/")
    with django_assert_num_queries(2):  # the rate limits; the submission with its email
        assert client.post(SIGN, form).status_code == 303
    row = Submission.objects.get(place=1, address_hash=Submission.objects.latest("pk").address_hash)
    with django_assert_num_queries(2):  # what the link leads to; the signature with its audit entry
        answer = client.post(
            f"/signature/{tokens.personal_token(row.public_id)}/", {**words, "name": row.name, "action": "confirm"}
        )
    assert answer.status_code == 303
    assert Signature.objects.get().pk == row.pk


@pytest.mark.django_db
def test_S32_a_mailbox_that_has_signed_is_looked_at_before_its_second_place_is_taken(ben: Submission) -> None:
    confirmation.confirm(ben, signer_input(ben.translation, name="Ben Nevis"))
    again = make_submission(ben.letter, "Ben Nevis", address_hash=ben.address_hash)
    with pytest.raises(mailbox_places.NoPlace):
        confirmation.confirm(again, signer_input(ben.translation, name="Ben Nevis"))
    confirmation.confirm(again, signer_input(ben.translation, name="Ann Nevis"))
    assert sorted(Signature.objects.values_list("name", "place")) == [("Ann Nevis", 2), ("Ben Nevis", 1)]


@pytest.mark.django_db
def test_a_form_that_is_shown_has_fields_of_its_own(ben: Submission) -> None:
    sent = SignForm({}, translation=ben.translation, is_shown=False)
    assert all(sent.fields[name] is field for name, field in SignForm.base_fields.items())
    shown = SignForm({}, translation=ben.translation)
    assert not any(shown.fields[name] is field for name, field in SignForm.base_fields.items())
    assert sent.errors == shown.errors
