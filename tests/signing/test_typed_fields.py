"""Every field that a signer fills in comes through: form, submission, confirmation, page, file; and goes when it must."""

import re
from collections.abc import Callable

import pytest
from django.db import models
from django.test import Client

from campaign.models import Letter
from signatures.models import Signature, Submission
from signatures.registries.typed_fields import (
    BLANKED_ON_WITHDRAWAL,
    DERIVED_FROM_WORDS,
    TYPED_FIELDS,
    TYPED_NAMES,
    WORDS,
    TypedField,
    Until,
)
from signatures.signing.forms import SignerForm, SignForm
from signatures.states import Kind, State, Visibility

CHOSEN = {"kind": Kind.ORGANIZATION, "visibility": Visibility.DELIVERY, "country": "FR"}
CORRECTED = {"visibility": Visibility.PUBLIC, "country": "KR"}


@pytest.fixture
def typed() -> dict[str, str]:
    return CHOSEN | {word: f"Typed {word}" for word in WORDS}


@pytest.fixture
def corrected(typed: dict[str, str]) -> dict[str, str]:
    return typed | CORRECTED | {word: f"Corrected {word}" for word in WORDS}


def stored() -> dict[str, str]:
    row = Signature.objects.first() or Submission.objects.latest("pk")
    return {name: getattr(row, name) for name in TYPED_NAMES}


def test_every_field_has_a_column_of_its_length_and_a_form_field(letter: Letter) -> None:
    form = SignForm(translation=letter.revisions.get().translations.get())
    for field in TYPED_FIELDS:
        for model in (Signature, Submission):
            column = model._meta.get_field(field.name)
            assert isinstance(column, models.Field) and column.max_length == field.max_length
        assert field.name in form.fields and field.name in form.order and form.fields[field.name].label
    own = [name for name in SignerForm.base_fields if name not in TYPED_NAMES]
    assert own == [], "what a signer types is registered"


def test_every_field_comes_through_and_goes_when_it_must(
    client: Client,
    letter: Letter,
    form: dict[str, str],
    typed: dict[str, str],
    corrected: dict[str, str],
    link_in_mail: Callable[[], str],
) -> None:
    letter.moderation = Letter.Moderation.AFTER
    letter.save()
    assert client.post("/letters/bridge/sign/", form | typed).status_code == 303
    assert stored() == typed, "from the form into the submission"
    assert client.post("/letters/bridge/sign/", form | corrected).status_code == 303
    assert stored() == corrected, "from another form into another submission"

    personal = link_in_mail()
    shown = corrected if "Corrected name" in client.get(personal).content.decode() else typed
    page = client.get(personal).content.decode()
    for name, value in shown.items():
        assert re.search(rf'name="{name}"|<textarea name="{name}"', page) and value in page, name
    consent = {"consent": "on", "text": form["text"]}
    client.post(personal, {**typed, **consent, "action": "confirm"})
    assert stored() == typed, "from the confirmation into the signature"
    assert all(getattr(Signature.objects.get(), name) for name in DERIVED_FROM_WORDS)

    page = client.get(personal).content.decode()
    for word in WORDS:
        assert re.search(rf"<bdi[^>]*>Typed {word}</bdi>", page), "it is read on the personal page"
    data = client.post(personal, {"action": "data"}).json()
    assert {name: data[name] for name in TYPED_NAMES} == typed, "it is in the file"

    client.post(personal, {**corrected, "action": "change"})
    assert stored() == corrected, "a change replaces all of it"

    client.post(personal, {**corrected, "visibility": Visibility.COUNTED, "action": "change"})
    counted = {field.name: _after(field, corrected, Until.COUNTED_ONLY) for field in TYPED_FIELDS}
    assert stored() == {**counted, "visibility": Visibility.COUNTED}
    assert set(Signature.objects.values_list(*DERIVED_FROM_WORDS)) == {("",) * len(DERIVED_FROM_WORDS)}

    client.post(personal, {**corrected, "action": "change"})
    client.post(personal, {"action": "withdraw"})
    assert Signature.objects.get().state == State.WITHDRAWN
    assert stored() == {name: "" if name in BLANKED_ON_WITHDRAWAL else value for name, value in corrected.items()}


def _after(field: TypedField, values: dict[str, str], event: Until) -> str:
    return "" if field.until == event else values[field.name]


def test_who_confirms_without_a_name_leaves_no_words(
    client: Client,
    letter: Letter,
    form: dict[str, str],
    typed: dict[str, str],
    link_in_mail: Callable[[], str],
) -> None:
    client.post("/letters/bridge/sign/", form | typed)
    consent = {"consent": "on", "text": form["text"]}
    client.post(link_in_mail(), {**typed, **consent, "visibility": Visibility.COUNTED, "action": "confirm"})
    assert stored() == {**typed, **dict.fromkeys(WORDS, ""), "visibility": Visibility.COUNTED}


def test_staff_see_every_field(client: Client, moderator_client: Client, letter: Letter, typed: dict[str, str]) -> None:
    row = Signature.objects.create(
        letter=letter, translation=letter.revisions.get().translations.get(), address_hash=b"1" * 32, language="en",
        confirmed_at=letter.created_at, signed_up_at=letter.created_at, **typed,
    )  # fmt: skip
    page = moderator_client.get(f"/admin/signatures/signature/{row.pk}/change/").content.decode()
    assert [word for word in WORDS if f"Typed {word}" not in page] == []


def test_the_tab_keeps_every_field_until_it_is_sent(client: Client, letter: Letter) -> None:
    kept = re.search(r'data-draft-fields="([^"]*)"', client.get("/").content.decode())
    assert kept is not None and set(kept[1].split()) == {*TYPED_NAMES, "email", "updates"}
