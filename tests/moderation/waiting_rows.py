"""What tests of the review queue share: its address, the names on a page, and signatures that wait."""

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone

from campaign.models import Letter
from signatures.models import Signature
from signatures.states import State
from tests.factories import make_signature

QUEUE = "/admin/signatures/waitingsignature/"


def names_on(page: Any) -> list[str]:
    return re.findall(r"<a[^>]*><bdi>(.*?)</bdi></a>", page.content.decode())


def make_waiting(letter: Letter, number: int, **fields: Any) -> list[Signature]:
    at = timezone.now() - timedelta(days=2)
    return [
        make_signature(letter, f"Waiting {n:03d}", State.WAITING, signed_up_at=at + timedelta(minutes=n), **fields)
        for n in range(number)
    ]


def state_of(row: Signature) -> tuple[str, list[str]]:
    row.refresh_from_db()
    return row.state, row.flags
