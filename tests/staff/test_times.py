"""Staff read days and times in one form, with the zone; readers keep that of their language."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from campaign.models import Letter, News
from signatures.models import Delivery
from signatures.paper import previews
from signatures.states import State, Visibility
from tests.admin_urls import admin_urls
from tests.factories import make_delivery, make_signature

pytestmark = pytest.mark.django_db
ONE_FORM = re.compile(r"2\d{3}-\d\d-\d\d \d\d:\d\d UTC")


@pytest.fixture
def staff(letter: Letter, owner: User, client: Client) -> Client:
    """An owner's browser, where each kind of row has its times."""
    now = timezone.now()
    Letter.objects.update(closes_at=now + timedelta(days=9))
    make_signature(letter, "Ada Lovelace", State.APPROVED, visibility=Visibility.DELIVERY, hidden_at=now)
    make_delivery(letter)
    Delivery.objects.update(state="handed-over", root="ab" * 32, handed_over_on=now.date(), handed_over_to="x")
    News.objects.create(letter=letter, published_at=now)
    previews.keep(letter, b"name\nAnn Example\n", by=owner.pk)
    client.force_login(owner)
    User.objects.update(last_login=now)
    return client


@pytest.mark.slow
def test_no_page_of_admin_has_a_time_of_twelve_hours(staff: Client) -> None:
    shown = {name for name, address in admin_urls() if "/logout/" not in address and has_one_form(staff, address)}
    lists = ("signatures_paperimport", "signatures_delivery", "campaign_translation")
    rows = (*lists, "auth_user", "signatures_signature")
    assert {*(f"{each}_changelist" for each in lists), *(f"{each}_change" for each in rows)} <= shown


def has_one_form(staff: Client, address: str) -> bool:
    answer = staff.get(address)
    page = b"".join(answer).decode(errors="replace")
    assert not re.search(r"\d [ap]\.m\.|, (noon|midnight)\b", page), address
    return ONE_FORM.search(page) is not None


def test_readers_see_days_as_their_language_has_them(staff: Client) -> None:
    staff.get("/admin/campaign/translation/")
    page = Client().get("/letters/bridge/").content.decode()
    assert re.search(r"Open until [A-Z][a-z]+\.? \d+, 20\d\d, \d+(:\d\d)? [ap]\.m\.", page)
