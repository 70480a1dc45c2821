"""The admin pages of requests of signers: each asks first; a second owner reads what a delivered one is about."""

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from campaign.models import Letter
from signatures.models import AuditEntry, Delivery, Signature, SignerRequest
from signatures.moderation import requests
from signatures.signing import changes
from signatures.values import sealing
from tests.factories import make_submission, signer_input
from tests.moderation.signer_requests import CORRECTED, WHY

pytestmark = pytest.mark.django_db


def now(row: Signature) -> Signature:
    return Signature.objects.get(pk=row.pk)


def shown_by(row: Signature) -> dict[str, str]:
    """The hidden fields of a page that corrects this signature."""
    return {f"initial-{name}": word for name, word in requests.words_of(now(row)).items()}


def test_A24_only_owners_find_the_pages_and_a_moderator_none(
    ada: Signature, client: Client, moderator_client: Client, owner: User
) -> None:
    address = f"/admin/signatures/signerrequest/{ada.pk}/ask/erase/"
    assert moderator_client.get(address).status_code == 403
    assert "ask/erase" not in moderator_client.get(f"/admin/signatures/signature/{ada.pk}/change/").content.decode()
    client.force_login(owner)
    assert address in client.get(f"/admin/signatures/signature/{ada.pk}/change/").content.decode()
    page = client.get(address).content.decode()
    assert "A restored backup does not bring it back" in page and Signature.objects.filter(pk=ada.pk).exists()
    assert client.post(address, {"reason": "", "channel": ""}).status_code == 422
    assert client.post(address, WHY, follow=True).status_code == 200 and not Signature.objects.exists()
    assert client.get(f"/admin/signatures/signerrequest/{ada.pk}/ask/nonsense/").status_code == 404


def test_A24_a_second_owner_reads_the_request_and_confirms_it(
    ada: Signature, delivered: Delivery, owner: User, second: User, client: Client
) -> None:
    client.force_login(owner)
    typed = {**WHY, **shown_by(ada), **CORRECTED}
    answer = client.post(f"/admin/signatures/signerrequest/{ada.pk}/ask/correct/", typed, follow=True)
    assert "waits for a second person" in answer.content.decode()
    request = SignerRequest.objects.get()
    page = f"/admin/signatures/signerrequest/{request.pk}/decide/"
    assert (
        "Take it back" in client.get(page).content.decode()
        and 'name="confirm"' not in client.get(page).content.decode()
    )
    client.post(page, {"confirm": ""})
    assert now(ada).name == "Ada Lovelace"

    client.force_login(second)
    shown = client.get(page).content.decode()
    assert AuditEntry.objects.filter(
        action="view", staff_id=second.pk, signature_id=ada.pk, detail__page="request-decide"
    ).exists()
    assert "Ada Lovelace" in shown and "Ada King" in shown and "Her mailbox is gone" in shown
    client.post(page, {"confirm": ""})
    assert now(ada).name == "Ada King"

    request.refresh_from_db()
    listed = client.get("/admin/signatures/signerrequest/").content.decode()
    for at, who in ((request.asked_at, owner), (request.decided_at, second)):
        assert f"{at:%Y-%m-%d %H:%M} UTC</time> by {who.username}" in listed


def test_A24_a_correction_takes_back_nothing_that_the_signer_changed_since_the_page(
    ada: Signature, owner: User, client: Client
) -> None:
    client.force_login(owner)
    page = f"/admin/signatures/signerrequest/{ada.pk}/ask/correct/"
    shown = client.get(page).context["form"]
    typed = {field.html_initial_name: field.value() for field in shown if field.field.show_hidden_initial}
    typed |= {**WHY, **shown.initial, "name": "Ada King"}
    changes.change(ada, signer_input(ada.translation, name="Ada Lovelace", role="Poet", organization="Poets"))

    answer = client.post(page, typed)
    assert answer.status_code == 409, answer.context["form"].errors
    assert now(ada).role == "Poet" and not SignerRequest.objects.exists()
    text = answer.content.decode()
    assert "is now: Poet" in text and 'value="Ada King"' in text
    again = {name: field.value() for name, field in ((field.html_name, field) for field in answer.context["form"])}
    client.post(page, {**again, **shown_by(ada)})
    assert (now(ada).name, now(ada).role, now(ada).organization) == ("Ada King", "Poet", "Poets")
    assert client.post(page, {**WHY, **CORRECTED}).status_code == 409, "no page showed these words"


def test_A24_a_submission_is_found_by_its_address_alone(letter: Letter, owner: User, client: Client) -> None:
    key = sealing.address_hash("ben@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    ben = make_submission(letter, "Ben Nevis", address_hash=key)
    client.force_login(owner)
    page = "/admin/signatures/signerrequest/evidence/"
    typed = {**WHY, "letter": letter.pk, "address": "eve@example.org"}
    assert "Nothing that was submitted with this address" in client.post(page, typed).content.decode()
    typed["address"] = "Ben@example.org"
    assert "Ben Nevis" in client.post(page, typed).content.decode() and not Signature.objects.exists()
    searches = AuditEntry.objects.filter(action="search", staff_id=owner.pk).order_by("pk")
    assert [row.detail for row in searches] == [{"page": "evidence", "found": 0}, {"page": "evidence", "found": 1}]
    client.post(page, {**typed, "submission": ben.pk})
    assert Signature.objects.get().on_evidence
