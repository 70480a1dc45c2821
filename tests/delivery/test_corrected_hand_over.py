"""What was recorded wrongly about a handing over is corrected, and the correction is shown as such."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from campaign.models import Letter
from signatures.delivery import freezing
from signatures.models import AuditEntry, Delivery, Signature
from signatures.transitions import TransitionNotAllowed
from tests.delivery.factories import day_of, freeze_days_ago, make_delivery

pytestmark = pytest.mark.django_db
RIGHT = {"to": "The embassy in Washington", "at": "Washington", "note": "", "reason": "A slip"}


@pytest.fixture
def handed_over(ada: Signature) -> Delivery:
    delivery = make_delivery(ada.letter)
    freeze_days_ago(delivery, 7)
    return freezing.hand_over(delivery, by=None, on=day_of(delivery), to="The embassy in Ottawa", at="Ottawa")


@pytest.fixture
def officer_client(officer: User) -> Client:
    client = Client()
    client.force_login(officer)
    return client


def page_of(delivery: Delivery, client: Client) -> str:
    return " ".join(client.get(f"/deliveries/bridge/{delivery.number}/").content.decode().split())


def filled_in(client: Client, step: str, **typed: Any) -> dict[str, Any]:
    """Returns what a browser sends from the page of this step, which it opens now."""
    fields = list(client.get(step).context["form"])
    hidden = {field.html_initial_name: field.value() for field in fields if field.field.show_hidden_initial}
    return hidden | {field.html_name: field.value() or "" for field in fields} | typed


def test_the_page_says_what_is_right_and_what_it_said_before(
    handed_over: Delivery, officer_client: Client, officer: User, client: Client
) -> None:
    step = f"/admin/signatures/delivery/{handed_over.pk}/step/correct-hand-over/"
    before_day = day_of(handed_over)
    day = before_day + timedelta(days=1)
    assert 'value="The embassy in Ottawa"' in officer_client.get(step).content.decode(), "filled in as recorded"

    right_now = filled_in(officer_client, step, **RIGHT, on=day.isoformat())
    assert officer_client.post(step, right_now).status_code == 302

    page = page_of(handed_over, client)
    right, _corrected, before = page.partition("Before, it said:")
    assert f"Handed over on {date_format(day)} to The embassy in Washington." in right and "Place: Washington" in right
    assert f"Handed over on {date_format(before_day)} to The embassy in Ottawa." in before and "Place: Ottawa" in before
    row = officer_client.get(f"/admin/signatures/delivery/{handed_over.pk}/change/").content.decode()
    assert f"by {officer.username}: A slip" in row and "The embassy in Ottawa" in row
    entry = AuditEntry.objects.get(action="correct-hand-over")
    assert entry.staff_id == officer.pk and "Ottawa" not in f"{entry.reason}{entry.detail}"
    assert entry.reason == "handed_over_on, handed_over_to, handed_over_at: A slip"
    handed_over.refresh_from_db()
    assert handed_over.state == "handed-over"


def test_every_correction_stays_and_a_corrected_note_is_for_staff_alone(
    handed_over: Delivery, officer: User, client: Client
) -> None:
    freezing.acknowledge(handed_over, by=None, on=day_of(handed_over))
    for to in ("Somebody", "Somebody else"):
        freezing.correct_hand_over(
            handed_over, by=officer.pk, on=day_of(handed_over), to=to, at="Ottawa", reason="A slip"
        )
    assert page_of(handed_over, client).count("Before, it said:") == 2
    same: dict[str, Any] = {"on": day_of(handed_over), "to": "Somebody else", "at": "Ottawa"}
    freezing.correct_hand_over(handed_over, by=officer.pk, **same, note="By post", reason="Forgotten")
    assert page_of(handed_over, client).count("Before, it said:") == 2
    handed_over.refresh_from_db()
    assert len(handed_over.corrections) == 3 and handed_over.state == "acknowledged"


def test_a_correction_of_nothing_without_a_reason_or_before_the_hand_over_is_refused(
    handed_over: Delivery, officer_client: Client
) -> None:
    same: dict[str, Any] = {"on": day_of(handed_over), "to": "The embassy in Ottawa", "at": "Ottawa"}
    with pytest.raises(TransitionNotAllowed, match="Nothing is different"):
        freezing.correct_hand_over(handed_over, by=None, **same, reason="none")
    with pytest.raises(TransitionNotAllowed, match="needs a reason"):
        freezing.correct_hand_over(handed_over, by=None, **{**same, "to": "Else"}, reason=" ")
    later = make_delivery(handed_over.letter)
    with pytest.raises(TransitionNotAllowed, match="is ready"):
        freezing.correct_hand_over(later, by=None, **same, reason="too early")
    step = f"/admin/signatures/delivery/{handed_over.pk}/step/correct-hand-over/"
    assert officer_client.post(step, {**RIGHT, "on": "2099-01-01"}).status_code == 422
    assert not AuditEntry.objects.filter(action="correct-hand-over").exists()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])  # at any time, one has another day than UTC
def test_today_is_the_day_in_the_time_zone_of_the_letter(
    handed_over: Delivery, officer_client: Client, zone: str
) -> None:
    Letter.objects.update(time_zone=zone)
    today = timezone.localdate(timezone=ZoneInfo(zone))
    step = f"/admin/signatures/delivery/{handed_over.pk}/step/acknowledge/"
    assert officer_client.post(step, {"on": today + timedelta(days=1)}).status_code == 422
    assert officer_client.post(step, {"on": today}).status_code == 302


def test_A7_of_two_officers_who_correct_at_once_the_second_sees_what_the_first_one_recorded(
    handed_over: Delivery, officer_client: Client, client: Client, owner: User
) -> None:
    step = f"/admin/signatures/delivery/{handed_over.pk}/step/correct-hand-over/"
    other = Client()
    other.force_login(owner)
    mine = filled_in(officer_client, step, at="The gate", reason="A slip")
    theirs = filled_in(other, step, to="The embassy in Washington", note="By post", reason="Another slip")
    assert other.post(step, theirs).status_code == 302

    answer = officer_client.post(step, mine)

    assert answer.status_code == 409
    told = answer.content.decode()
    assert "Somebody else corrected it meanwhile. Nothing was stored." in told
    assert "It was changed meanwhile, and is now: The embassy in Washington" in told
    assert "It was changed meanwhile, and is now: By post" in told
    handed_over.refresh_from_db()
    assert (handed_over.handed_over_to, handed_over.handed_over_at) == ("The embassy in Washington", "Ottawa")
    again = answer.context["form"]
    assert (again["to"].value(), again["at"].value(), again["reason"].value()) == (
        "The embassy in Washington", "The gate", "A slip",
    )  # fmt: skip
    assert officer_client.post(step, again.data).status_code == 302
    handed_over.refresh_from_db()
    assert (handed_over.handed_over_to, handed_over.handed_over_at, handed_over.note) == (
        "The embassy in Washington", "The gate", "By post",
    )  # fmt: skip
    assert "Handed over on" in page_of(handed_over, client) and "Place: The gate" in page_of(handed_over, client)
