"""An editor makes a letter in a form, step by step: without JSON, without a shell and without script."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from campaign.letters.publishing import begin, publish
from campaign.models import Letter, LetterSlug, PrivacyText, Translation
from signatures.models import AuditEntry
from tests.admin_forms import fields_of, fill_in, rows
from tests.factories import make_letter
from tests.letters.test_logos import png
from tests.publish_page import address_of, publish_by_page

pytestmark = pytest.mark.django_db
ADD = "/admin/campaign/letter/add/"
STEPS = ("recipient", "letterhead", "signing", "answers", "look")


@pytest.fixture
def staff(editor: User, client: Client) -> Client:
    client.force_login(editor)
    return client


@pytest.fixture
def new(db: None) -> Letter:
    """A letter after its first step."""
    letter = Letter.objects.create(slug="orchestra", recipient="the town council", time_zone="Europe/Berlin")
    begin(letter, "en", "Keep the orchestra")
    return letter


def step_of(letter: Letter, step: str) -> str:
    return f"/admin/campaign/letter/{letter.pk}/step/{step}/"


def text_of(letter: Letter) -> str:
    return f"/admin/campaign/translation/{Translation.objects.get(revision__letter=letter).pk}/change/"


def go_on(client: Client, address: str, **typed: Any) -> str:
    """Fills in a step and saves it. Returns the address of the next one."""
    answer = client.post(address, {**fill_in(client, address), **typed, "_save": "next"})
    assert answer.status_code == 302, answer.context["errors"]
    return str(answer["Location"])


def refused(client: Client, address: str, **typed: Any) -> str:
    """Fills in a step that is not saved. Returns the page, which keeps what was typed."""
    answer = client.post(address, fill_in(client, address, **typed))
    assert answer.status_code == 200
    assert {name: value for name, value in typed.items() if value}.items() <= fields_of(answer).items()
    return answer.content.decode()


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


def test_the_steps_say_which_are_done_and_one_may_come_back(staff: Client, new: Letter) -> None:
    def statuses() -> list[str]:
        return [step.status for step in staff.get(step_of(new, "look")).context["steps"]]

    assert statuses() == ["done", "needed", "optional", "optional", "optional", "optional", "needed"]
    go_on(staff, text_of(new), addressee="The council", body="We ask.")
    go_on(staff, step_of(new, "signing"), goal="10")
    go_on(staff, step_of(new, "answers"), **{"privacy_texts-0-language": "en", "privacy_texts-0-purpose": "To ask."})
    go_on(staff, step_of(new, "look"), logo=png())
    assert statuses() == ["done", "done", "optional", "done", "done", "done", "needed"]
    publish(Translation.objects.get())
    assert statuses()[-1] == "done"
    page = staff.get(f"/admin/campaign/letter/{new.pk}/change/").content.decode()
    assert all(f'href="{step_of(new, step)}"' in page for step in STEPS), "the page of a letter leads to its steps"


def test_a_step_saves_its_own_fields_alone(staff: Client, letter: Letter) -> None:
    Letter.objects.update(letterhead={**letter.letterhead, "of_a_later_version": 1})
    go_on(staff, step_of(letter, "letterhead"), head_name="Society for Bridges")
    go_on(staff, step_of(letter, "signing"), goal="7")
    before, letter = letter, Letter.objects.get()
    assert letter.letterhead == {**before.letterhead, "name": "Society for Bridges", "of_a_later_version": 1}
    assert (letter.goal, letter.recipient, letter.slug) == (7, before.recipient, before.slug)


def test_every_field_says_where_it_will_be_seen_and_none_is_json(staff: Client, new: Letter) -> None:
    pages = [ADD, text_of(new), "/admin/campaign/translation/add/", *(step_of(new, step) for step in STEPS)]
    for page in pages:
        answer = staff.get(page)
        form = answer.context["adminform"].form
        forms = [form, *(each for inline in answer.context["inline_admin_formsets"] for each in inline.formset.forms)]
        without = [
            name
            for each in forms
            for name, field in each.fields.items()
            if not field.help_text and not each[name].is_hidden and name not in {"DELETE", "id", "letter"}
        ]
        assert without == [], page
        values = (*fields_of(answer).values(), *fields_of(answer))
        assert not [value for value in values if value.startswith(("{", "["))], page


def test_a_published_text_is_shown_as_readers_see_it_and_not_as_json(staff: Client, letter: Letter) -> None:
    page = staff.get(text_of(letter)).content.decode()
    assert (
        '<div class="signed-name"><bdi translate="no">Grace Hopper</bdi></div><span>Chair</span>' in page
        and "&quot;titles&quot;" not in page
    )


# Rows, moved by buttons that post the form


def test_rows_are_moved_added_and_removed_without_script_and_nothing_is_saved(staff: Client, new: Letter) -> None:
    page = text_of(new)
    people = rows("signatories", ("Ada", "Chair\nFounder"), ("Ben", ""), ("Cleo", "Horn"))
    typed = fill_in(staff, page, body="Half a sentence", addressee="", **people)

    def names(button: str) -> list[str]:
        answer = staff.post(page, {**typed, "_continue": button})
        shown = fields_of(answer)
        assert shown["body"] == "Half a sentence" and "Please correct" not in answer.content.decode(), button
        return [shown[f"signatories-{number}-name"] for number in range(int(shown["signatories-TOTAL_FORMS"]))]

    assert names("signatories up 2") == ["Ada", "Cleo", "Ben"]
    assert names("signatories down 0") == ["Ben", "Ada", "Cleo"]
    assert names("signatories remove 1") == ["Ada", "Cleo"]
    assert names("signatories add") == ["Ada", "Ben", "Cleo", ""]
    for nothing in (
        "signatories up 0",
        "signatories down 2",
        "signatories up 99",
        "signatories remove x",
        "signatories",
    ):
        assert names(nothing) == ["Ada", "Ben", "Cleo"], nothing
    moved = fields_of(staff.post(page, {**typed, "_continue": "signatories down 0"}))
    assert moved["signatories-1-titles"] == "Chair\nFounder", "a row moves whole"
    assert Translation.objects.get().body == ""


def test_a_row_without_a_name_is_told_and_all_rows_stay(staff: Client, new: Letter) -> None:
    people = rows("signatories", ("Ada", ""), ("", "Chair"))
    page = refused(staff, text_of(new), addressee="x", body="y", **people)
    assert "Row 2: please fill in “Name”, or remove the row." in page
    page = refused(staff, step_of(new, "letterhead"), **rows("head_board", ("x" * 201, "Chair")))
    assert "Row 1: Ensure this value has at most 200 characters" in page


def test_empty_rows_are_dropped_and_a_text_may_have_no_signatories(staff: Client, new: Letter) -> None:
    go_on(staff, text_of(new), addressee="x", body="y", **rows("signatories", ("", " "), ("Ada", "")))
    assert Translation.objects.get().signatories == [{"name": "Ada", "titles": []}]
    go_on(staff, text_of(new), **rows("signatories", ("", "")))
    assert Translation.objects.get().signatories == []


def test_more_rows_than_a_letter_has_are_refused(staff: Client, new: Letter) -> None:
    many = rows("signatories", *(("Ada", "") for _row in range(101)))
    assert "At most 100 rows." in refused(staff, text_of(new), addressee="x", body="y", **many)


# The preview


def test_the_body_is_previewed_without_script_and_nothing_is_saved(staff: Client, new: Letter) -> None:
    typed = fill_in(staff, text_of(new), body="*One* <b>hall</b>", _continue="preview")
    page = staff.post(text_of(new), typed).content.decode()
    assert "<p><em>One</em> &lt;b&gt;hall&lt;/b&gt;</p>" in page
    assert Translation.objects.get().body == ""


def test_the_live_preview_is_for_staff_alone(staff: Client, moderator_client: Client) -> None:
    address = "/admin/campaign/translation/preview/"
    typed = {"body": "**One** <script>"}
    assert staff.post(address, typed).content.decode() == "<p><strong>One</strong> &lt;script&gt;</p>"
    assert moderator_client.post(address, typed).status_code == 403
    assert Client().post(address, typed).status_code == 302


# What is refused


def test_a_text_without_a_body_is_not_published(staff: Client, new: Letter) -> None:
    draft = Translation.objects.get()
    page = publish_by_page(staff, draft).content.decode()
    assert "A text needs a title and a body." in page and address_of(draft)
    draft.refresh_from_db()
    assert draft.published_at is None


@pytest.mark.parametrize("slug", ["bridge", "former"])
def test_a_slug_that_another_letter_has_or_had_is_refused(staff: Client, letter: Letter, slug: str) -> None:
    LetterSlug.objects.create(slug="former", letter=letter)
    page = refused(staff, ADD, title="Keep it", recipient="x", language="en", slug=slug)
    assert "Another letter has or had this address" in page
    draft = make_letter("tunnel", state=Letter.State.DRAFT)
    refused(staff, step_of(draft, "recipient"), slug=slug)
    go_on(staff, step_of(letter, "signing"), goal="3")
    assert "Another letter" not in staff.get(step_of(letter, "recipient")).content.decode(), "its own is no other's"


def test_a_title_that_has_no_slug_asks_for_one(staff: Client) -> None:
    page = refused(staff, ADD, title="관현악단", recipient="x", language="ko", slug="")
    assert "Please write one, in Latin letters" in page
    go_on(staff, ADD, title="관현악단", recipient="x", language="ko", slug="orchestra")
    assert Translation.objects.get().language == "ko"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"opens_at": "2026-12-02T09:00", "closes_at": "2026-12-02T08:59"}, "It cannot close before it opens."),
        ({"opens_at": "2027-03-28T02:30"}, "This time does not exist in Europe/Berlin: clocks are put forward then."),
        ({"closes_at": "2027-10-31T02:30"}, "This time comes twice in Europe/Berlin: clocks are put back then."),
        ({"time_zone": "America/New_York", "opens_at": "2027-03-14T02:30"}, "does not exist in America/New_York"),
        ({"opens_at": "soon"}, "Enter a valid date/time."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice."),
    ],
)
def test_times_that_cannot_be_are_refused_beside_the_field(
    staff: Client, new: Letter, typed: dict[str, str], sentence: str
) -> None:
    address = step_of(new, "signing")
    answer = staff.post(address, fill_in(staff, address, **typed))
    assert answer.status_code == 200 and sentence in answer.content.decode()
    (field,) = answer.context["adminform"].form.errors
    assert field in typed


def test_a_time_that_is_not_changed_keeps_its_seconds(staff: Client, new: Letter) -> None:
    moment = datetime(2030, 5, 1, 12, 0, 30, 5, tzinfo=UTC)
    Letter.objects.update(closes_at=moment)
    address = step_of(new, "signing")
    assert fill_in(staff, address)["closes_at"] == "2030-05-01T14:00", "in the zone of the letter"
    go_on(staff, address, goal="5")
    assert (Letter.objects.get().closes_at, Letter.objects.get().goal) == (moment, 5)
    go_on(staff, address, time_zone="UTC")
    assert Letter.objects.get().closes_at == datetime(2030, 5, 1, 14, tzinfo=UTC), "what is typed is in the zone"


def test_a_letter_whose_end_has_passed_can_still_be_corrected(staff: Client, letter: Letter) -> None:
    Letter.objects.update(closes_at=timezone.now())
    go_on(staff, step_of(letter, "recipient"), recipient="the Ministry")
    assert Letter.objects.get().recipient == "the Ministry"


@pytest.mark.parametrize(
    ("color", "sentence"),
    [
        ("#88aaff", "contrast with the page is 1.9 to 1"),
        ("#FFF", "Please write it as #"),
        ("red", "Please write it as #"),
    ],
)
def test_a_color_that_cannot_be_read_is_refused(staff: Client, new: Letter, color: str, sentence: str) -> None:
    assert sentence in refused(staff, step_of(new, "look"), accent_color=color)


def test_the_authoritative_language_changes_until_its_text_is_published(staff: Client, new: Letter) -> None:
    go_on(staff, step_of(new, "recipient"), language="ko")
    assert Translation.objects.get().language == "ko"
    go_on(staff, text_of(new), addressee="x", body="y")
    publish(Translation.objects.get())
    go_on(staff, step_of(new, "recipient"), language="en")
    assert Translation.objects.get().language == "ko"


# Two editors


@pytest.fixture
def colleague(db: None) -> Client:
    user = User.objects.create_user("colleague", is_staff=True)
    user.groups.add(Group.objects.get(name="editor"))
    client = Client()
    client.force_login(user)
    return client


def test_A7_a_letterhead_of_a_colleague_is_not_overwritten_unseen(
    staff: Client, colleague: Client, letter: Letter
) -> None:
    address = step_of(letter, "letterhead")
    mine = fill_in(staff, address, head_name="Mine", **rows("head_board", ("Ada", "Chair")))
    go_on(colleague, address, head_name="Theirs", **rows("head_board", ("Ben", "Chair"), ("Cleo", "")))
    answer = staff.post(address, mine)
    page = answer.content.decode()
    assert "Somebody else (colleague) changed this" in page and "Name, as it is stored:<br>Theirs" in page
    assert "Board, as it is stored:<br>Ben, Chair<br>Cleo" in page
    assert fields_of(answer)["head_board-0-name"] == "Ada" and Letter.objects.get().letterhead["name"] == "Theirs"
    assert staff.post(address, fields_of(answer)).status_code == 302, "knowingly"
    assert Letter.objects.get().letterhead["name"] == "Mine"


def test_A7_a_logo_of_a_colleague_is_not_overwritten_unseen(staff: Client, colleague: Client, letter: Letter) -> None:
    address = step_of(letter, "look")
    mine = fill_in(staff, address)
    go_on(colleague, address, logo=png(90))
    assert "Somebody else (colleague) changed this" in staff.post(address, {**mine, "logo": png()}).content.decode()
    letter.refresh_from_db()
    assert letter.logo.width == 90


def test_a_moderator_reads_the_steps_and_changes_none(moderator_client: Client, letter: Letter) -> None:
    for step in STEPS:
        assert moderator_client.get(step_of(letter, step)).status_code == 200
        assert moderator_client.post(step_of(letter, step), {"goal": "1"}).status_code == 403
    assert moderator_client.get(step_of(letter, "no-such-step")).status_code == 404
