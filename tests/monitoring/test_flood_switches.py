"""The switches against a flood: who may turn them, what they ask, what they leave behind."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from signatures.models import Alarm, AuditEntry, Switch
from signatures.moderation import switches
from signatures.monitoring.admin import FLOOD_SWITCHES
from signatures.transitions import TransitionNotAllowed

pytestmark = pytest.mark.django_db
SWITCHES = "/admin/signatures/alarm/switches/"
PAIRS = [(code, *names) for code, names in FLOOD_SWITCHES.items()]


@pytest.fixture
def owner_client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.mark.parametrize(("code", "on", "off"), PAIRS)
def test_S40_a_moderator_turns_it_on_after_a_question_and_an_owner_turns_it_off(
    moderator_client: Client, owner_client: Client, moderator: User, owner: User, code: Switch.Code, on: str, off: str
) -> None:
    assert f"{SWITCHES}{on}/" in moderator_client.get(SWITCHES).content.decode()
    page = moderator_client.get(f"{SWITCHES}{on}/")
    assert page.status_code == 200 and not Switch.objects.is_on(code), "a GET only asks"

    assert moderator_client.post(f"{SWITCHES}{on}/")["Location"] == SWITCHES

    assert Switch.objects.is_on(code)
    assert f"Switched on: {code.label}" in moderator_client.get("/admin/").content.decode(), "on top of every page"
    assert "An owner can turn this off." in moderator_client.get(SWITCHES).content.decode()
    assert moderator_client.post(f"{SWITCHES}{off}/").status_code == 403
    assert Switch.objects.is_on(code)

    assert owner_client.get(f"{SWITCHES}{off}/").status_code == 200
    owner_client.post(f"{SWITCHES}{off}/")
    assert not Switch.objects.is_on(code)
    assert "Switched on" not in moderator_client.get("/admin/").content.decode()
    entries = AuditEntry.objects.order_by("pk").values_list("action", "staff_id")
    assert list(entries) == [(on, moderator.pk), (off, owner.pk)]


@pytest.mark.parametrize(("code", "on", "off"), PAIRS)
@pytest.mark.parametrize("group", ["delivery officer", "editor"])
def test_nobody_else_turns_it(group: str, code: Switch.Code, on: str, off: str) -> None:
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    assert {client.post(f"{SWITCHES}{name}/").status_code for name in (on, off)} == {403}
    assert Client().post(f"{SWITCHES}{on}/")["Location"].startswith("/admin/login/")
    assert not Switch.objects.is_on(code)


@pytest.mark.parametrize(("code", "on", "off"), PAIRS)
def test_one_that_is_turned_already_says_so_and_leaves_no_entry(
    owner_client: Client, code: Switch.Code, on: str, off: str
) -> None:
    page = owner_client.post(f"{SWITCHES}{off}/", follow=True)
    assert "Nothing was changed" in page.content.decode()
    owner_client.post(f"{SWITCHES}{on}/")
    page = owner_client.post(f"{SWITCHES}{on}/", follow=True)
    assert "Nothing was changed" in page.content.decode()
    assert list(AuditEntry.objects.values_list("action", flat=True)) == [on]


def test_turning_one_leaves_the_other_as_it_is(owner: User) -> None:
    switches.ask_for_work(by=owner.pk)
    switches.stop_asking_for_work(by=owner.pk)
    switches.pause_flagged_mail(by=owner.pk)
    assert not Switch.objects.is_on(Switch.Code.PROOF_OF_WORK)
    with pytest.raises(TransitionNotAllowed):
        switches.pause_flagged_mail(by=owner.pk)


@pytest.mark.parametrize("code", ["one-network", "rise", "domain-trend", "network-trend"])
def test_S39_the_alarm_of_a_flood_offers_the_switch(moderator_client: Client, code: str) -> None:
    row = Alarm.objects.create(code=code, since=timezone.now(), until=timezone.now())
    page = moderator_client.get(f"/admin/signatures/alarm/{row.pk}/change/").content.decode()
    assert "ask browsers for work" in page
    assert f"{SWITCHES}ask-for-work/" in moderator_client.get(SWITCHES).content.decode()


def test_every_switch_can_be_turned() -> None:
    assert set(FLOOD_SWITCHES) == set(Switch.Code)
