"""The dashboard on admin's first page: events and backlog, in totals without any person."""

import itertools
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from signatures import counts
from signatures.audit import admin_mixins, audit_log
from signatures.models import CountDelta, HourlyStatistic, OutboxMail, Signature, Submission
from signatures.monitoring import charts, statistics
from signatures.registries import AuditAction
from signatures.signing import withdrawal
from signatures.states import State
from signatures.values import tokens
from tests import single_decisions
from tests.factories import WORDS, make_delivery, make_many, make_signature
from tests.plans import reads_only

pytestmark = pytest.mark.django_db
DASHBOARD, SIGN = "/admin/", "/letters/bridge/sign/"
MOST_STATEMENTS = 12


def events() -> dict[str, int]:
    """How often each event happened, whatever the hour and the language."""
    found = statistics.events(timezone.now()).by_day
    return {event: sum(days.values()) for event, days in found.items() if days}


def test_the_dashboard_shows_events_and_backlog(moderator_client: Client, letter: Letter) -> None:
    for n, flags in enumerate(([], ["link"], ["link"])):
        since = timezone.now() - timedelta(days=3, hours=n)
        make_signature(letter, f"Waits {n}", State.WAITING, flags=flags, signed_up_at=since, confirmed_at=since)
    make_delivery(letter)

    page = " ".join(moderator_client.get(DASHBOARD).content.decode().split())

    assert re.search(r'flagged=yes">2</a> <small>oldest: 3 days', page)
    assert re.search(r'flagged=no">1</a> <small>oldest: 3 days', page)
    assert "<li>bridge-1 · frozen · " in page
    assert "Confirmations <b>3</b>" in page
    assert "Waits" not in page.replace("<dt>waiting</dt>", "")


def test_every_chart_has_a_role_a_title_a_description_and_a_table_behind_it(
    moderator_client: Client, ada: Signature
) -> None:
    page = moderator_client.get(DASHBOARD).content.decode()
    svgs = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    assert len(svgs) == 19
    for chart in svgs:
        assert 'role="img"' in chart and re.search(r"<title id=[^>]+>[^<]+</title>", chart)
        labeled = re.search(r'aria-labelledby="(\S+) (\S+)"', chart)
        assert labeled is not None and all(page.count(f'id="{name}"') == 1 for name in labeled.groups())
        assert re.search(r"<desc[^>]*>[^<]+</desc>", chart)
    assert len(re.findall(r"<details>\s*<summary>.*?<table>.*?</table>", page, re.DOTALL)) == 3
    assert "<script" not in "".join(svgs) and " style=" not in "".join(svgs)


def test_each_event_is_counted_once_and_folding_changes_nothing(letter: Letter, moderator: User) -> None:
    rows = make_many(letter, 6, state=State.WAITING)
    for row in rows[:3]:
        single_decisions.approve(row, by=moderator.pk)
    single_decisions.reject(rows[3], by=moderator.pk, reason="spam")
    withdrawal.withdraw(rows[0])
    withdrawal.erase(rows[4])
    wanted = {"confirm": 6, "approve": 3, "reject": 1, "withdraw": 2}

    assert events() == wanted
    counts.fold_deltas()
    assert events() == wanted
    assert not CountDelta.objects.exclude(event="").exists()
    single_decisions.approve(rows[5], by=moderator.pk)
    assert events() == wanted | {"approve": 4}


def test_a_sign_up_and_its_confirmation_are_counted_by_the_hour_and_language(
    client: Client, letter: Letter, form: dict[str, str], words: dict[str, str]
) -> None:
    korean = revise(letter, "ko", WORDS)
    publish(korean)
    client.post(SIGN, form)
    submitted = Submission.objects.get()
    client.post(f"/signature/{tokens.personal_token(submitted.public_id)}/", {**words, "action": "confirm"})
    client.post(f"/ko{SIGN}", {**form, "email": "kim@example.org", "text": korean.digest})
    counts.fold_deltas()
    rows = Counter(HourlyStatistic.objects.values_list("event", "language"))
    assert rows == {("sign-up", "en"): 1, ("confirm", "en"): 1, ("sign-up", "ko"): 1}
    assert all(
        at.minute == at.second == at.microsecond == 0 for at in HourlyStatistic.objects.values_list("hour", flat=True)
    )


def test_what_was_counted_stays_when_the_rows_are_pruned(client: Client, letter: Letter, form: dict[str, str]) -> None:
    client.post(SIGN, form)
    counts.fold_deltas()
    Submission.objects.all().delete()
    assert events() == {"sign-up": 1}, "neither lost, nor a withdrawal"
    assert counts.for_letter(letter.pk).cells == {}


def test_the_same_form_sent_twice_is_counted_once(client: Client, letter: Letter, form: dict[str, str]) -> None:
    for _time in range(2):
        client.post(SIGN, form)
    assert events() == {"sign-up": 1}


def test_a_change_that_moves_no_state_is_no_event(cleo: Signature) -> None:
    before = events()
    Signature.objects.filter(pk=cleo.pk).update(flags=["link"], country="DE")
    assert events() == before
    assert counts.for_letter(cleo.letter_id).in_state(State.WAITING, flagged=True) == 1


def test_mails_are_shown_sent_due_failing_and_given_up(moderator_client: Client, ben: Submission) -> None:
    now = timezone.now()
    for fields in (
        {"sent_at": now},
        {"recipient": b"x", "due_at": now - timedelta(hours=5), "failure": "refused: 421"},
        {"recipient": b"x", "due_at": now + timedelta(hours=5)},
        {"failure": "final: 550"},
    ):
        OutboxMail.objects.create(
            **{"signature_id": ben.pk, "kind": "link", "language": "en", "queued_at": now, "due_at": now, **fields}
        )

    backlog = statistics.backlog(timezone.now())

    names = ("mails_due", "mails_later", "mails_failing", "mails_given_up")
    assert [backlog[name] for name in names] == [1, 1, 1, 1]
    assert statistics.events(now).by_hour[statistics.MAILS_SENT] == {now.replace(minute=0, second=0, microsecond=0): 1}
    assert "oldest: 5 hours" in moderator_client.get(DASHBOARD).content.decode()


def test_only_staff_who_may_see_signatures_see_the_dashboard(editor: User, officer: User, ada: Signature) -> None:
    for user in (editor, officer):
        client = Client()
        client.force_login(user)
        page = client.get(DASHBOARD)
        assert page.status_code == 200 and b'class="statistics"' not in page.content


def test_the_backlog_is_read_from_indexes() -> None:
    times = {"now": timezone.now(), "failed_since": timezone.now()}
    indexes = ("queue", "reported", "outbox_due", "outbox_sent", "outbox_given_up")
    assert reads_only(statistics._BACKLOG, *indexes, params=times, sorted_later=True)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["moderator", "admin_user"])
def test_no_page_of_admin_takes_more_than_twelve_statements(
    who: str, letter: Letter, ada: Signature, request: Any, admin_user: User
) -> None:
    user = request.getfixturevalue(who)
    client = Client()
    client.force_login(user)
    alike = {"network": "ab" * 8, "mailbox": "cd" * 8, "comment": "The same words as all others have here."}
    rows = make_many(letter, 60, state=State.WAITING, flags=["link"], **alike)
    for row in rows[:5]:
        single_decisions.reject(row, by=user.pk, reason="to have an audit entry")
    for n in range(30):
        audit_log.record(AuditAction.EXPORT, letter_id=letter.pk, staff_id=user.pk, detail={"form": "csv", "n": n})
    counts.fold_deltas()
    too_many = []
    for page in pages_of_admin():
        if client.get(page).status_code != 200:
            continue
        with CaptureQueriesContext(connection) as statements:
            client.get(page)
        if len(statements) > MOST_STATEMENTS:
            too_many.append((page, len(statements)))
    assert too_many == []


def pages_of_admin() -> list[str]:
    """Every list and every empty form that is registered, the forms of two rows, and the pages of no model."""
    pages = [DASHBOARD, "/admin/signatures/alarm/switches/", "/admin/signatures/alarm/switches/tighten/"]
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        pages += [base, f"{base}?q=sig", f"{base}add/"]
        rows = model._default_manager.order_by("pk")
        for row in filter(None, {rows.first(), rows.last()}):
            pages += [f"{base}{row.pk}/change/", f"{base}{row.pk}/history/"]
    return pages


@pytest.mark.parametrize(
    ("number", "top", "words"),
    [
        (0, 1, "0"),
        (1, 1, "1"),
        (7, 8, "7"),
        (11, 20, "11"),
        (950, 1000, "950"),
        (1_234, 2_000, "1.2k"),
        (2_000_000, 2_000_000, "2M"),
    ],
)
def test_an_axis_ends_at_a_number_that_reads_well(number: int, top: int, words: str) -> None:
    assert (charts.round_up(number), charts.abbreviate(number)) == (top, words)


def test_bars_are_as_high_as_their_numbers_and_labels_do_not_touch() -> None:
    chart = charts.bars([0, 10, 5, 1_000_000], list("abcd"), dict(enumerate("abcd")))
    heights = [float(bar.height) for bar in chart.bars]
    assert heights[0] == 0 and heights[1] == charts.LOWEST and heights[3] == max(heights)
    many = charts.bars([1] * 48, ["x"] * 48, dict.fromkeys(range(48), "12:00"))
    places = [float(tick.at) for tick in many.x_labels]
    assert all(right - left >= charts.NEXT_LABEL / 2 for left, right in itertools.pairwise(places))
    assert places[-1] <= charts.WIDTH - charts.NEXT_LABEL / 2


def test_an_expensive_count_is_estimated_and_a_cheap_one_is_exact(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_many(letter, 7)
    rows = Signature.objects.filter(country="").order_by("pk")
    assert admin_mixins.CappedPaginator(rows, 5).count == 7
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE signatures_signature")
    monkeypatch.setattr(admin_mixins.CappedPaginator, "MAX_COST", 0.0)
    with CaptureQueriesContext(connection) as statements:
        assert 1 <= admin_mixins.CappedPaginator(rows, 5).count <= 10
    assert len(statements) == 1 and statements[0]["sql"].startswith("EXPLAIN")
    assert admin_mixins.CappedPaginator(rows.none(), 5).count == 0
