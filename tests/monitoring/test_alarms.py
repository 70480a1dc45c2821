"""Alarms, of which staff hear once, and the switches beside them. An ordinary day raises none."""

import secrets
import uuid
from copy import copy
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from campaign.letters import text_cache
from campaign.models import Letter
from signatures import tasks, transitions
from signatures.models import Alarm, AuditEntry, HourlyStatistic, OutboxMail, RateLimit, Signature, Submission
from signatures.moderation import switches
from signatures.monitoring import alarms
from signatures.registries import AlarmCode
from signatures.screening import rate_limits
from signatures.states import State
from tests.factories import make_signature
from tests.inbox import Inbox

pytestmark = pytest.mark.django_db
SWITCHES = "/admin/signatures/alarm/switches/"


@pytest.fixture
def olga(db: None) -> User:
    """An owner, with an address."""
    return User.objects.create_superuser("olga", "olga@example.org", "a long enough password")


@pytest.fixture
def owner(olga: User) -> Client:
    client = Client()
    client.force_login(olga)
    return client


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is half past twelve: midnight, at which the digests of networks change, is far."""
    at = timezone.now().replace(hour=12, minute=30)
    monkeypatch.setattr(timezone, "now", lambda: at)
    return at


def sign_ups(letter: Letter, hour: datetime, number: int) -> None:
    HourlyStatistic.objects.create(
        letter=letter,
        hour=hour.replace(minute=0, second=0, microsecond=0),
        language="en",
        event="sign-up",
        number=number,
    )


def rows(letter: Letter, number: int, at: datetime, **fields: Any) -> None:
    """Confirmed signatures, so that only what the test is about stands out."""
    first = make_signature(letter, "Somebody", State.WAITING, signed_up_at=at, **fields)
    made = [copy(first) for _n in range(number - 1)]
    for row in made:
        row.pk, row.public_id, row.address_hash = None, uuid.uuid4(), secrets.token_bytes(32)
    Signature.objects.bulk_create(made)


def ordinary_days(letter: Letter, now: datetime, by_hour: int = 50) -> None:
    for back in range(1, 24 * 9):
        sign_ups(letter, now - timedelta(hours=back), by_hour)


def test_a_rise_in_sign_ups_is_an_alarm(letter: Letter, noon: datetime) -> None:
    ordinary_days(letter, noon)
    sign_ups(letter, noon, 300)
    assert alarms.check() == ["rise"]
    assert "300 sign-ups in an hour" in Alarm.objects.get(code="rise").sentence


@pytest.mark.parametrize(
    ("ordinary", "now"), [(50, 199), (2, 150), (1_000, 3_500), (0, 199)], ids=["busier", "few", "large", "from nothing"]
)
def test_a_busier_hour_is_none(letter: Letter, noon: datetime, ordinary: int, now: int) -> None:
    ordinary_days(letter, noon, ordinary)
    sign_ups(letter, noon, now)
    assert alarms.check() == []


def test_the_first_days_of_a_letter_are_no_rise(letter: Letter, noon: datetime) -> None:
    sign_ups(letter, noon - timedelta(hours=20), 10)
    sign_ups(letter, noon, 5_000)
    assert alarms.check() == []


def test_one_loud_day_hides_no_rise_and_one_quiet_hour_makes_none(letter: Letter, noon: datetime) -> None:
    ordinary_days(letter, noon, 100)
    yesterday = (noon - timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    HourlyStatistic.objects.filter(hour=yesterday).update(number=50_000)
    HourlyStatistic.objects.filter(hour=yesterday - timedelta(days=1)).update(number=0)
    sign_ups(letter, noon, 430)
    assert alarms.check() == []
    HourlyStatistic.objects.filter(number=430).update(number=500)
    assert alarms.check() == ["rise"]


def test_one_mail_domain_that_was_not_there_before_is_an_alarm(letter: Letter, noon: datetime) -> None:
    rows(letter, 300, noon - timedelta(days=1), domains=["big"])
    rows(letter, 100, noon - timedelta(minutes=30), domains=["big"])
    rows(letter, 60, noon - timedelta(minutes=20), domains=["sub", "small"])
    assert alarms.check() == ["domain-trend"]
    sentence = Alarm.objects.get(code="domain-trend").sentence
    assert "60 of the last 160" in sentence and "small" not in sentence


@pytest.mark.parametrize("number", [49, 300])
def test_a_big_provider_and_a_handful_of_a_small_one_are_none(letter: Letter, noon: datetime, number: int) -> None:
    rows(letter, 300, noon - timedelta(days=1), domains=["big"])
    rows(letter, number, noon - timedelta(minutes=30), domains=["big" if number > 49 else "small"])
    assert alarms.check() == []


def test_a_network_that_stands_out_is_an_alarm(letter: Letter, noon: datetime) -> None:
    for n in range(30):
        rows(letter, 10, noon - timedelta(days=1, minutes=n), network=f"other {n}")
    rows(letter, 60, noon - timedelta(minutes=20), network="tower")
    assert alarms.check() == ["network-trend"]
    assert "tower" not in Alarm.objects.get(code="network-trend").sentence


def test_where_a_network_always_stood_out_it_is_none(letter: Letter, noon: datetime) -> None:
    rows(letter, 300, noon - timedelta(days=1), network="yesterday's")
    rows(letter, 60, noon - timedelta(minutes=20), network="today's")
    assert alarms.check() == []


def test_counts_that_drift_are_an_alarm_until_they_agree(ada: Signature, cleo: Signature) -> None:
    assert alarms.recount() == 0
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger sees it
        cursor.execute("UPDATE signatures_signature SET state = 'rejected' WHERE id = %s", [ada.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert alarms.recount() == 1
    assert f"letter {ada.letter_id}: by 2" in Alarm.objects.get(code="count-drift").sentence
    assert alarms.active(timezone.now() + timedelta(hours=12)).filter(code="count-drift").exists(), (
        "until the next night"
    )

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE signatures_signature SET state = 'approved' WHERE id = %s", [ada.pk])
    assert alarms.recount() == 0
    assert not alarms.active(timezone.now()).exists()


def test_the_worker_recounts_once_a_day_and_when_asked(moderator_client: Client, ada: Signature) -> None:
    assert tasks.run_duties.call() == {}
    assert tasks.run_duties.call() == {}
    assert AuditEntry.objects.filter(action="recount").count() == 1
    assert moderator_client.post("/admin/signatures/alarm/recount/").status_code == 302
    tasks.recount.call(7)
    assert AuditEntry.objects.filter(action="recount").first().staff_id == 7  # type: ignore[union-attr]  # there is one


def test_a_worker_that_does_not_run_is_an_alarm_that_nobody_has_to_raise(
    moderator_client: Client, letter: Letter
) -> None:
    assert b"worker" not in moderator_client.get("/admin/").content, "a site that had none yet"
    alarms.check()
    assert not alarms.active(timezone.now()).exists()
    Alarm.objects.filter(code=AlarmCode.WORKER).update(until=timezone.now() - timedelta(minutes=1))
    assert "The worker does not run" in moderator_client.get("/admin/").content.decode()
    alarms.check()
    assert "The worker does not run" not in moderator_client.get("/admin/").content.decode()


def stuck(ben: Submission, minutes: int = 60) -> OutboxMail:
    then = timezone.now() - timedelta(minutes=minutes)
    return OutboxMail.objects.create(
        signature_id=ben.pk, kind="link", language="en", recipient=b"x", queued_at=then, due_at=then
    )


def test_staff_get_one_mail_for_each_occurrence_of_an_alarm(ben: Submission, olga: User, inbox: Inbox) -> None:
    mail = stuck(ben)
    assert [alarms.check() for _minute in range(3)] == [["mail-stuck"], [], []]
    assert OutboxMail.objects.filter(kind="alarm", topic="mail-stuck", staff_id=olga.pk).count() == 1
    mail.delete()
    Alarm.objects.update(until=timezone.now() - timedelta(hours=1))
    stuck(ben)
    assert alarms.check() == [], "it came back within hours: the same"
    Alarm.objects.update(until=timezone.now() - alarms.SAME_OCCURRENCE - timedelta(minutes=1))
    assert alarms.check() == ["mail-stuck"]
    assert OutboxMail.objects.filter(kind="alarm").count() == AuditEntry.objects.filter(action="alarm").count() == 2


def test_alarms_are_mailed_to_owners_and_moderators_at_work_and_to_nobody_else(
    ben: Submission, olga: User, moderator: User, officer: User, editor: User
) -> None:
    gone = User.objects.create_user("gone", "gone@example.org", is_staff=True, is_active=False)
    gone.groups.add(Group.objects.get(name="moderator"))
    for user in (moderator, officer, editor):
        User.objects.filter(pk=user.pk).update(email=f"{user.username}@example.org")
    stuck(ben)
    alarms.check()
    assert set(OutboxMail.objects.filter(kind="alarm").values_list("staff_id", flat=True)) == {olga.pk, moderator.pk}


def test_every_alarm_says_what_it_is_and_what_to_do() -> None:
    for alarm in AlarmCode:
        assert alarm.email_sentence.endswith(".") and alarm.advice.endswith(".") and len(alarm) <= 20, alarm


def test_an_alarm_is_at_the_top_of_every_page_until_somebody_has_seen_it(
    moderator_client: Client, moderator: User, ben: Submission
) -> None:
    stuck(ben)
    alarms.check()
    for page in ("/admin/", "/admin/signatures/waitingsignature/", "/admin/signatures/auditentry/"):
        text = moderator_client.get(page).content.decode()
        assert "emails have been due for more than half an hour" in text and "See whether the worker runs" in text
    assert moderator_client.get("/admin/signatures/alarm/mail-stuck/seen/").status_code == 405

    back = moderator_client.post(
        "/admin/signatures/alarm/mail-stuck/seen/", {"next": "/admin/signatures/waitingsignature/"}
    )

    assert back["Location"] == "/admin/signatures/waitingsignature/"
    assert "have been due" not in moderator_client.get("/admin/").content.decode()
    assert AuditEntry.objects.get(action="alarm-seen").staff_id == moderator.pk
    alarms.check()
    assert "have been due" not in moderator_client.get("/admin/").content.decode(), "the same occurrence"


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_seen_leads_to_no_other_site(moderator_client: Client, back: str) -> None:
    assert moderator_client.post("/admin/signatures/alarm/rise/seen/", {"next": back})["Location"] == "/admin/"


def test_an_alarm_disappears_from_the_pages_when_its_cause_is_over(moderator_client: Client, ben: Submission) -> None:
    mail = stuck(ben)
    alarms.check()
    mail.delete()
    Alarm.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert "have been due" not in moderator_client.get("/admin/").content.decode()


def test_O13_signing_is_paused_at_once_and_taken_up_again(
    owner: Client, olga: User, letter: Letter, client: Client, form: dict[str, str]
) -> None:
    client.get("/letters/bridge/")  # this process knows the letter as open
    assert owner.get(f"{SWITCHES}pause/{letter.pk}/").status_code == 200
    letter.refresh_from_db()
    assert letter.state == "open", "a GET only asks"
    assert owner.post(f"{SWITCHES}pause/{letter.pk}/")["Location"] == SWITCHES

    answer = client.post("/letters/bridge/sign/", form)

    assert answer.status_code == 422 and not Signature.objects.exists() and not OutboxMail.objects.exists()
    assert "Signing is paused" in owner.get("/admin/").content.decode().replace("\n", " ")
    owner.post(f"{SWITCHES}resume/{letter.pk}/")
    text_cache.clear_cache()  # a process keeps the letter for a second
    assert client.post("/letters/bridge/sign/", form).status_code == 303
    entries = AuditEntry.objects.filter(letter_id=letter.pk, staff_id=olga.pk).order_by("pk")
    assert list(entries.values_list("action", "was", "now")) == [
        ("pause", "open", "paused"),
        ("resume", "paused", "open"),
    ]


def test_who_has_signed_up_may_confirm_while_signing_is_paused(letter: Letter, olga: User) -> None:
    switches.pause(letter, by=olga.pk)
    letter.refresh_from_db()
    assert letter.takes_confirmations()


@pytest.mark.parametrize("state", ["draft", "paused", "closed"])
def test_what_is_not_open_is_not_paused(letter: Letter, olga: User, state: str) -> None:
    Letter.objects.filter(pk=letter.pk).update(state=state)
    with pytest.raises(transitions.TransitionNotAllowed):
        switches.pause(letter, by=olga.pk)
    assert not AuditEntry.objects.exists()


def test_tightened_limits_flag_sooner_and_loosened_ones_as_before(owner: Client, olga: User) -> None:
    def over(times: int) -> bool:
        return [bool(rate_limits.count_event({"network": "192.0.2.0/24"}).over) for _time in range(times)][-1]

    assert not over(15), "twenty are allowed"
    owner.post(f"{SWITCHES}tighten/")
    assert over(1), "at once, in the span that runs"
    assert "divided by 10" in owner.get("/admin/").content.decode()
    assert set(RateLimit.objects.filter(divisor=10).values_list("scope", flat=True)) == {
        "network",
        "wide-network",
        "domain",
    }
    assert RateLimit.objects.get(scope="network", seconds=600).max_count == 20, "the figures of staff stay"
    owner.post(f"{SWITCHES}loosen/")
    assert not over(1)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "staff_id")) == [
        ("tighten", olga.pk),
        ("loosen", olga.pk),
    ]


def test_a_switch_that_is_turned_already_says_so_and_leaves_no_entry(owner: Client, letter: Letter) -> None:
    page = owner.post(f"{SWITCHES}loosen/", follow=True)
    assert "Nothing was changed" in page.content.decode() and not AuditEntry.objects.exists()


@pytest.mark.parametrize(("group", "may"), [("moderator", {"pause"}), ("delivery officer", set()), ("editor", set())])
def test_a_moderator_may_pause_and_only_an_owner_opens_again(letter: Letter, group: str, may: set[str]) -> None:
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    for path in (f"pause/{letter.pk}/", f"resume/{letter.pk}/", "tighten/", "loosen/"):
        for method in (client.get, client.post):
            expected = {200, 302} if path.partition("/")[0] in may else {403}
            assert method(SWITCHES + path).status_code in expected, path
    assert client.get(SWITCHES).status_code == (200 if may else 403)
    assert client.post("/admin/signatures/alarm/rise/seen/").status_code == (302 if may else 403)
    assert client.post("/admin/signatures/alarm/recount/").status_code == (302 if may else 403)


@pytest.mark.parametrize("path", ["pause/", "explode/", "tighten/1/", "pause/999999/"])
def test_there_is_no_other_switch(owner: Client, path: str) -> None:
    assert owner.get(SWITCHES + path).status_code == 404


def test_nobody_who_is_not_logged_in_sees_an_alarm_or_turns_a_switch(client: Client, ben: Submission) -> None:
    stuck(ben)
    alarms.check()
    assert b"have been due" not in client.get("/admin/login/").content
    assert client.post(f"{SWITCHES}tighten/")["Location"].startswith("/admin/login/")
    assert not RateLimit.objects.filter(divisor__gt=1).exists()
