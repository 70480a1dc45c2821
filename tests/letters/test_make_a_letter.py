"""An editor makes a letter in a form, step by step, without JSON, without a shell and without script."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from campaign.models import Letter, PrivacyText, Translation
from signatures.models import AuditEntry
from tests.admin_forms import fill_in, rows
from tests.publish_page import publish_by_page

pytestmark = pytest.mark.django_db
ADD = "/admin/campaign/letter/add/"
SECOND_BUTTON = {"_save": "next"}


@pytest.fixture
def staff(editor: User, client: Client) -> Client:
    client.force_login(editor)
    return client


def step_of(letter: Letter, step: str) -> str:
    return f"/admin/campaign/letter/{letter.pk}/step/{step}/"


def png(width: int = 60, height: int = 40) -> SimpleUploadedFile:
    file = BytesIO()
    Image.new("RGB", (width, height), "#1a4f8b").save(file, "PNG")
    return SimpleUploadedFile("logo.png", file.getvalue(), "image/png")


def go_on(client: Client, address: str, **typed: Any) -> str:
    """Fills in a step and saves it. Returns the address of the next one."""
    answer = client.post(address, {**fill_in(client, address), **typed, "_save": "next"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    return str(answer["Location"])


def test_an_editor_makes_a_letter_step_by_step_and_publishes_it(staff: Client, editor: User) -> None:
    text_step = go_on(
        staff,
        ADD,
        title="Keep the orchestra",
        recipient="the town council",
        recipient_kind="institution",
        language="en",
    )
    letter = Letter.objects.get()
    assert (letter.slug, letter.state, letter.recipient_kind) == ("keep-the-orchestra", "draft", "institution")
    draft = Translation.objects.get()
    assert text_step == f"/admin/campaign/translation/{draft.pk}/change/"

    people = rows("signatories", ("Clara Bow", "Cello\nBoard"), ("Otto Horn", ""))
    letterhead_step = go_on(
        staff, text_step, addressee="The town council\nMarket 1", body="We ask for *one* hall.", **people
    )
    draft.refresh_from_db()
    assert draft.signatories == [
        {"name": "Clara Bow", "titles": ["Cello", "Board"]},
        {"name": "Otto Horn", "titles": []},
    ]
    assert (draft.authoritative, draft.date, draft.salutation) == (True, "", "")

    signing_step = go_on(
        staff, letterhead_step, head_name="Town Orchestra", head_address="Hall 2\n\nBridgetown", head_web="orchestra.example",
        head_board_title="Board", **rows("head_board", ("Clara Bow", "Chair")),
    )  # fmt: skip
    answers_step = go_on(
        staff,
        signing_step,
        goal="500",
        time_zone="Europe/Berlin",
        opens_at="2026-12-01T09:00",
        closes_at="2027-07-01T18:00",
    )
    look_step = go_on(
        staff, answers_step, organization_name="Friends of the Orchestra", contact_email="hello@orchestra.example",
        **{"privacy_texts-0-language": "en", "privacy_texts-0-purpose": "To save the hall."},
    )  # fmt: skip
    publish_step = go_on(staff, look_step, accent_color="#1A4F8B", logo=png())

    letter.refresh_from_db()
    assert letter.letterhead == {
        "name": "Town Orchestra", "address": ["Hall 2", "Bridgetown"], "web": "orchestra.example",
        "board_title": "Board", "board": [{"name": "Clara Bow", "office": "Chair"}],
    }  # fmt: skip
    assert (letter.goal, letter.opens_at) == (500, datetime(2026, 12, 1, 8, 0, tzinfo=UTC))
    assert letter.closes_at == datetime(2027, 7, 1, 16, 0, tzinfo=UTC), "in summer the zone is two hours ahead"
    assert (letter.accent_color, letter.logo.width) == ("#1a4f8b", 60)
    assert PrivacyText.objects.get().purpose == "To save the hall."
    actions = AuditEntry.objects.filter(staff_id=editor.pk).values_list("action", flat=True)
    assert sorted(actions) == ["set-letter"] * 5 + ["set-privacytext"] + ["set-translation"] * 2

    assert publish_step == f"/admin/campaign/translation/publish/?text={draft.pk}"
    page = staff.get(publish_step).content.decode()
    assert "Town Orchestra" in page and "at 2026-12-01 09:00 (Europe/Berlin)" in page
    publish_by_page(staff, draft)
    assert "one</em> hall" in staff.get("/letters/keep-the-orchestra/").content.decode()
