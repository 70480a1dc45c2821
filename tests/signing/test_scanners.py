"""Mail scanners open every link, and some run its scripts: nothing is confirmed by it."""

import pytest
from django.test import Client

from campaign.models import Letter
from signatures.models import AuditEntry, Signature, Submission
from signatures.values import tokens
from tests.factories import make_submission

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
PARTS, LINKS = 4, 2_000  # so that the processes of a run share the work


@pytest.mark.parametrize("part", range(PARTS))
def test_C1_ten_thousand_links_fetched_by_a_scanner_confirm_nothing(client: Client, letter: Letter, part: int) -> None:
    one = make_submission(letter, "Somebody")
    fields = {field.attname: getattr(one, field.attname) for field in Submission._meta.concrete_fields}
    for unique in ("id", "public_id", "address_hash"):
        del fields[unique]
    rows = Submission.objects.bulk_create(
        [Submission(address_hash=n.to_bytes(32), **fields) for n in range(LINKS // PARTS - 1)]
    )

    for number, row in enumerate([one, *rows]):
        fetch = client.get if number % 2 else client.head
        page = f"/signature/{tokens.personal_token(row.public_id)}/"
        assert fetch(page, headers={"user-agent": "SafeLinks", "sec-purpose": "prefetch"}).status_code == 200

    assert Submission.objects.count() == LINKS // PARTS and not Signature.objects.exists()
    assert not AuditEntry.objects.exists()
