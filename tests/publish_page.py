"""The page on which an editor publishes."""

import re
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

from campaign.models import Translation


def address_of(*drafts: Translation) -> str:
    return f"/admin/campaign/translation/publish/?{urlencode({'text': [draft.pk for draft in drafts]}, doseq=True)}"


def publish_by_page(client: Client, *drafts: Translation) -> HttpResponse:
    """Opens the page and presses its button. Returns the answer, after any redirect."""
    page = client.get(address_of(*drafts)).content.decode()
    seen = re.findall(r'name="seen" value="(\w+)"', page)
    answer: HttpResponse = client.post(address_of(*drafts), {"seen": seen}, follow=True)  # type: ignore[assignment]  # of the test client
    return answer
