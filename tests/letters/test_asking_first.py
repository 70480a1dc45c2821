"""What an ordinary form of admin cannot do by accident (threat model A21). docs/staff/undo.md lists all of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from campaign.models import Letter, Logo, News, Notice
from signatures import retention
from signatures.delivery import freezing
from signatures.models import AuditEntry, Delivery, Signature
from signatures.states import State
from signatures.transitions import TransitionNotAllowed
from tests.admin_forms import fields_of, fill_in
from tests.factories import make_delivery, make_letter, make_logo, make_signature, make_submission

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TODAY = date(2026, 5, 9)


@pytest.fixture
def editor_client(editor: User) -> Client:
    client = Client()
    client.force_login(editor)
    return client


def page_of(letter: Letter, step: str = "signing") -> str:
    return f"/admin/campaign/letter/{letter.pk}/step/{step}/"


# Editors: the form of a letter


@pytest.mark.parametrize(
    ("step", "field", "value", "sentence"),
    [
        (
            "recipient",
            "slug",
            "bridges",
            "/letters/bridge/ leads to the new address for ever: no other letter can have it.",
        ),
        (
            "signing",
            "moderation",
            "after",
            "Names without a flag appear before anybody has read them, within a minute the 1 that wait",
        ),
    ],
)
def test_A21_what_cannot_be_taken_back_is_asked_and_saved_when_it_is_sent_again(
    editor_client: Client, letter: Letter, step: str, field: str, value: str, sentence: str
) -> None:
    page = page_of(letter, step)
    make_signature(letter, "Ada", State.WAITING)
    make_signature(letter, "Ben", State.WAITING, flags=["link"])
    asked = editor_client.post(page, fill_in(editor_client, page, **{field: value}))
    assert asked.status_code == 200
    assert sentence in asked.content.decode() and "Nothing was saved yet" in asked.content.decode()
    letter.refresh_from_db()
    assert getattr(letter, field) != value
    assert fields_of(asked)[field] == value, "what was typed stays"
    assert editor_client.post(page, fields_of(asked)).status_code == 302
    letter.refresh_from_db()
    assert getattr(letter, field) == value


@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_A21_a_logo_is_replaced_or_removed_only_after_asking_and_the_chosen_file_waits(
    editor_client: Client, letter: Letter, change: str
) -> None:
    former, page = make_logo(letter), page_of(letter, "look")
    file = SimpleUploadedFile("new.png", bytes(make_logo(make_letter("other"), "#800000").png))
    words = {"logo": file} if change == "replaced" else {"remove_logo": "on"}
    asked = editor_client.post(page, {**fill_in(editor_client, page), **words})
    assert "The logo that is stored is deleted: this site keeps no former one." in asked.content.decode()
    assert Logo.objects.get(letter=letter).digest == former.digest
    assert editor_client.post(page, fields_of(asked)).status_code == 302, "without choosing the file again"
    stored = Logo.objects.filter(letter=letter).exclude(digest=former.digest)
    assert len(stored) == (1 if change == "replaced" else 0)


def test_A21_a_first_logo_replaces_none_and_is_not_asked(editor_client: Client, letter: Letter) -> None:
    page = page_of(letter, "look")
    file = SimpleUploadedFile("new.png", bytes(make_logo(make_letter("other")).png))
    assert editor_client.post(page, {**fill_in(editor_client, page), "logo": file}).status_code == 302
    assert Logo.objects.filter(letter=letter)


def test_A22_a_file_that_waits_in_the_page_is_checked_as_an_upload_is(editor_client: Client, letter: Letter) -> None:
    page = page_of(letter, "look")
    for sent in ("PHN2Zz48c2NyaXB0Lz48L3N2Zz4=", "AAAA", "é"):
        assert editor_client.post(page, fill_in(editor_client, page, _chosen_logo=sent)).status_code == 200
    assert not Logo.objects.exists()


@pytest.mark.parametrize("kind", ["news", "privacy notice", "notice"])
def test_A21_a_text_that_is_ticked_for_deletion_is_asked_first(
    editor_client: Client, owner: User, letter: Letter, kind: str
) -> None:
    if kind == "notice":
        editor_client.force_login(owner)
    rows: Any
    if kind == "news":
        news = News.objects.create(letter=letter)
        rows, page, name = news.texts, f"/admin/campaign/news/{news.pk}/change/", "texts"
        rows.create(language="en", title="Half a day of work", body="Words")
    elif kind == "notice":
        notice = Notice.objects.create(starts_at=timezone.now(), ends_at=timezone.now() + timedelta(days=1))
        rows, page, name = notice.texts, f"/admin/campaign/notice/{notice.pk}/change/", "texts"
        rows.create(language="en", text="Emails are slow today.")
        rows.create(language="ko", text="이메일이 늦습니다.")  # a notice keeps one text
    else:
        rows, page, name = letter.privacy_texts, page_of(letter, "answers"), "privacy_texts"
        rows.create(language="en", purpose="Words")
    asked = editor_client.post(page, fill_in(editor_client, page, **{f"{name}-0-DELETE": "on"}))
    assert asked.status_code == 200 and "The text in “en” is deleted for good." in asked.content.decode()
    assert rows.exists()
    assert fields_of(asked)[f"{name}-0-DELETE"] == "on"
    assert editor_client.post(page, fields_of(asked)).status_code == 302
    assert not rows.filter(language="en")


def test_A21_an_answer_to_one_question_is_none_to_another(editor_client: Client, letter: Letter) -> None:
    page = page_of(letter, "recipient")
    first = fields_of(editor_client.post(page, fill_in(editor_client, page, slug="one")))
    assert (
        editor_client.post(
            page_of(letter),
            fill_in(editor_client, page_of(letter), moderation="after", read_digest=first["read_digest"]),
        ).status_code
        == 200
    )
    letter.refresh_from_db()
    assert (letter.slug, letter.moderation) == ("bridge", "before")


def test_a_change_that_can_be_taken_back_is_not_asked(editor_client: Client, letter: Letter) -> None:
    form = fill_in(editor_client, page_of(letter))
    assert editor_client.post(page_of(letter), {**form, "goal": "5000", "state": "paused"}).status_code == 302
    letter.refresh_from_db()
    assert (letter.goal, letter.state) == (5000, "paused")


def test_nobody_is_asked_about_a_draft(editor_client: Client) -> None:
    draft = make_letter("draft", state=Letter.State.DRAFT)
    for step, change in (("recipient", {"slug": "other"}), ("signing", {"moderation": "after"})):
        page = page_of(draft, step)
        assert editor_client.post(page, fill_in(editor_client, page, **change)).status_code == 302


def test_A21_a_letter_that_people_may_still_confirm_never_becomes_a_draft(
    editor_client: Client, letter: Letter
) -> None:
    make_submission(letter, "Ada")
    form = {**fill_in(editor_client, page_of(letter)), "state": "draft"}
    assert "People have signed this letter" in editor_client.post(page_of(letter), form).content.decode()


def test_A21_a_letter_that_people_signed_never_becomes_a_draft(editor_client: Client, letter: Letter) -> None:
    form = {**fill_in(editor_client, page_of(letter)), "state": "draft"}
    assert editor_client.post(page_of(letter), form).status_code == 302, "nobody has signed"
    Letter.objects.update(state="open")
    make_signature(letter, "Ada", State.WITHDRAWN)
    form = {**fill_in(editor_client, page_of(letter)), "state": "draft"}
    answer = editor_client.post(page_of(letter), form).content.decode()
    assert "People have signed this letter: pause, close or archive it. A draft is hidden from them." in answer
    letter.refresh_from_db()
    assert letter.state == "open"


# The retention date belongs to the delivery


def test_A21_no_form_of_a_letter_moves_its_retention_date(editor_client: Client, letter: Letter) -> None:
    page = editor_client.get(page_of(letter))
    assert "acknowledged_on" not in fields_of(page)
    form = {**fields_of(page), "acknowledged_on": "1999-01-01", "acknowledged_on_0": "1999-01-01", "goal": "7"}
    assert editor_client.post(page_of(letter), form).status_code == 302
    letter.refresh_from_db()
    assert (letter.goal, letter.acknowledged_on, letter.acknowledged_at) == (7, None, None)


def acknowledged(letter: Letter, on: date = TODAY, number: int = 1) -> Delivery:
    delivery = make_delivery(letter, number)
    Delivery.objects.filter(pk=delivery.pk).update(root="ab" * 32, state=Delivery.State.HANDED_OVER)
    return freezing.acknowledge(delivery, by=None, on=on)


def is_kept(letter: Letter) -> bool:
    retention.prune()
    return Signature.objects.filter(letter=letter, sealed_address__isnull=False).exists()


def test_A21_a_day_long_past_takes_no_address_away_for_thirty_days(letter: Letter) -> None:
    make_signature(letter, "Ada", sealed_address=b"sealed")
    acknowledged(letter, on=date(1999, 1, 1))
    assert is_kept(letter)
    Letter.objects.update(acknowledged_at=timezone.now() - 29 * DAY)
    assert is_kept(letter)
    Letter.objects.update(acknowledged_at=timezone.now() - 31 * DAY)
    assert not is_kept(letter)


def test_A21_an_acknowledgment_is_taken_back_with_a_reason_and_so_is_its_retention_date(letter: Letter) -> None:
    delivery = acknowledged(letter)
    with pytest.raises(TransitionNotAllowed):
        freezing.retract_acknowledgment(delivery, by=1, reason=" ")
    back = freezing.retract_acknowledgment(delivery, by=1, reason="another letter was meant")
    letter.refresh_from_db()
    assert (back.state, back.acknowledged_on) == ("handed-over", None)
    assert (letter.acknowledged_on, letter.acknowledged_at) == (None, None)
    entry = AuditEntry.objects.get(action="retract-acknowledgment")
    assert (entry.staff_id, entry.reason, entry.was, entry.now) == (
        1, "another letter was meant", "acknowledged", "handed-over",
    )  # fmt: skip
    with pytest.raises(TransitionNotAllowed):
        freezing.retract_acknowledgment(delivery, by=1, reason="twice")


def test_the_last_acknowledgment_of_several_counts(letter: Letter) -> None:
    acknowledged(letter, on=TODAY)
    second = acknowledged(letter, on=TODAY - 90 * DAY, number=2)
    letter.refresh_from_db()
    assert letter.acknowledged_on == TODAY, "an earlier day brings nothing forward"
    freezing.retract_acknowledgment(second, by=None, reason="not yet")
    letter.refresh_from_db()
    assert letter.acknowledged_on == TODAY


# Delivery officers: each step says what it does


@pytest.mark.parametrize(
    ("state", "step", "sentence"),
    [
        ("ready", "hand-over", "This cannot be undone."),
        ("ready", "void", "This cannot be undone:"),
        ("handed-over", "acknowledge", "are deleted 12 months after this day, and not before"),
        ("acknowledged", "not-acknowledged", "addresses that were deleted, stay so"),
    ],
)
def test_A21_each_step_of_a_delivery_says_what_cannot_be_undone(
    officer: User, letter: Letter, state: str, step: str, sentence: str
) -> None:
    client = Client()
    client.force_login(officer)
    delivery = make_delivery(letter)
    Delivery.objects.filter(pk=delivery.pk).update(root="ab" * 32, state=state)
    pages = f"/admin/signatures/delivery/{delivery.pk}"
    assert f"{pages}/step/{step}/" in client.get(f"{pages}/change/").content.decode()
    assert sentence in client.get(f"{pages}/step/{step}/").content.decode()
