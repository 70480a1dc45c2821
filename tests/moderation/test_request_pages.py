"""The admin pages of requests of signers: each asks first; a second owner reads what a delivered one is about."""

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from campaign.models import Letter
from signatures.models import Delivery, Signature, SignerRequest
from signatures.values import sealing
from tests.factories import make_submission
from tests.moderation.signer_requests import CORRECTED, WHY

pytestmark = pytest.mark.django_db


def now(row: Signature) -> Signature:
    return Signature.objects.get(pk=row.pk)


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
    answer = client.post(f"/admin/signatures/signerrequest/{ada.pk}/ask/correct/", {**WHY, **CORRECTED}, follow=True)
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
    assert "Ada Lovelace" in shown and "Ada King" in shown and "Her mailbox is gone" in shown
    client.post(page, {"confirm": ""})
    assert now(ada).name == "Ada King"


def test_A24_a_submission_is_found_by_its_address_alone(letter: Letter, owner: User, client: Client) -> None:
    key = sealing.address_hash("ben@example.org", pepper=settings.EMAIL_HASH_PEPPER)
    ben = make_submission(letter, "Ben Nevis", address_hash=key)
    client.force_login(owner)
    page = "/admin/signatures/signerrequest/evidence/"
    typed = {**WHY, "letter": letter.pk, "address": "eve@example.org"}
    assert "Nothing that was submitted with this address" in client.post(page, typed).content.decode()
    typed["address"] = "Ben@example.org"
    assert "Ben Nevis" in client.post(page, typed).content.decode() and not Signature.objects.exists()
    client.post(page, {**typed, "submission": ben.pk})
    assert Signature.objects.get().on_evidence
