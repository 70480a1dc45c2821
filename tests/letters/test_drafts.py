"""Drafts of a text: begun from the right letter, with an author and a time, deleted, never overwritten unseen."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.test import Client

from campaign.letters.publishing import discard, publish, revise
from campaign.models import Letter, Revision, Translation
from signatures.models import AuditEntry
from tests.factories import WORDS, make_letter

ADD = "/admin/campaign/translation/add/"
KOREAN = {**WORDS, "title": "다리에 관한 편지"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(editor: Any, client: Client) -> Client:
    client.force_login(editor)
    return client


@pytest.fixture
def colleague(db: None) -> Client:
    user = User.objects.create_user("colleague", is_staff=True)
    user.groups.add(Group.objects.get(name="editor"))
    client = Client()
    client.force_login(user)
    return client


def typed(client: Client, address: str, **changed: Any) -> dict[str, Any]:
    """What the form of a page holds, with these changes."""
    form = client.get(address).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    return {name: "" if value is None else value for name, value in values.items()} | changed


def change_page(draft: Translation) -> str:
    return f"/admin/campaign/translation/{draft.pk}/change/"


def test_a_text_in_another_language_begins_from_the_authoritative_text_of_its_letter(
    staff: Client, letter: Letter
) -> None:
    other = make_letter("tunnel")
    publish(revise(other, "en", {**WORDS, "title": "Tunnels"}, authoritative=True))
    publish(revise(letter, "ko", KOREAN))
    page = staff.get(f"/admin/campaign/letter/{letter.pk}/change/").content.decode()
    (link,) = re.findall(rf'<a href="({ADD}\?letter={letter.pk})">Add a text in another language</a>', page)
    begun = typed(staff, link)
    assert (begun["letter"], begun["title"], begun["language"]) == (str(letter.pk), WORDS["title"], "")
    assert begun["authoritative"] is False
    assert typed(staff, f"{ADD}?letter={other.pk}")["title"] == "Tunnels"


def test_without_a_letter_the_form_is_empty(staff: Client, letter: Letter) -> None:
    new = Letter.objects.create(slug="new", recipient="the Minister")
    for address in (ADD, f"{ADD}?letter={new.pk}", f"{ADD}?letter=x", f"{ADD}?text=999"):
        assert (typed(staff, address)["title"], typed(staff, address)["body"]) == ("", ""), address


def test_a_correction_begins_with_the_text_that_it_corrects(staff: Client, letter: Letter) -> None:
    published = revise(letter, "ko", KOREAN, unofficial=True)
    publish(published)
    page = staff.get(change_page(published)).content.decode()
    (link,) = re.findall(rf'<a href="({ADD}\?text={published.pk})">', page)
    form = typed(staff, link, title="교량")
    assert (form["language"], form["unofficial"], form["body"]) == ("ko", True, WORDS["body"])
    assert staff.post(link, form).status_code == 302
    draft = Translation.objects.drafts().get()
    assert (draft.title, draft.revision.number, draft.unofficial) == ("교량", 1, True)


def test_a_draft_has_an_author_and_a_time(staff: Client, letter: Letter, editor: Any) -> None:
    form = typed(staff, f"{ADD}?letter={letter.pk}", language="ko", title="다리")
    assert staff.post(ADD, form).status_code == 302
    revise(letter, "zh-hant", KOREAN)
    page = staff.get("/admin/campaign/translation/").content.decode()
    assert re.search(rf'class="field-saved">{editor.username}, \d{{4}}-\d\d-\d\d \d\d:\d\d \(UTC\)<', page)
    assert 'class="field-saved">loaded from a folder<' in page


def test_a_draft_is_deleted_with_the_revision_that_it_was_to_become(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "en", {**WORDS, "title": "Two bridges"})
    assert staff.post(f"/admin/campaign/translation/{draft.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Translation.objects.drafts() and Revision.objects.get().number == 1
    assert AuditEntry.objects.get(action="remove-translation").detail == {"row": draft.pk}


def test_a_published_text_is_not_deleted(staff: Client, letter: Letter) -> None:
    text = Translation.objects.get()
    assert staff.post(f"/admin/campaign/translation/{text.pk}/delete/", {"post": "yes"}).status_code == 403
    with pytest.raises(IntegrityError), transaction.atomic():
        discard(text)


def test_A7_a_new_text_does_not_overwrite_the_draft_of_a_colleague(
    staff: Client, colleague: Client, letter: Letter, editor: Any
) -> None:
    address = f"{ADD}?letter={letter.pk}"
    mine = typed(colleague, address, language="ko", title="My title", body="My body")
    assert staff.post(address, typed(staff, address, language="ko", title="Their title")).status_code == 302

    answer = colleague.post(address, mine)

    page = answer.content.decode()
    assert answer.status_code == 200 and f"Somebody else ({editor.username}) changed this" in page
    assert "Title, as it is stored:<br>Their title" in page and "We ask for *one* bridge." in page
    assert 'value="My title"' in page and "My body</textarea>" in page, "both texts"
    assert Translation.objects.drafts().get().title == "Their title"
    again = {**mine, "loaded_digest": answer.context["adminform"].form["loaded_digest"].value()}
    assert colleague.post(address, again).status_code == 302, "knowingly"
    assert Translation.objects.drafts().get().title == "My title"


def test_A7_a_colleagues_save_is_not_overwritten_by_mine(staff: Client, colleague: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    mine, theirs = (
        typed(staff, change_page(draft), body="My body"),
        typed(colleague, change_page(draft), body="Theirs\n\n<b>"),
    )
    assert colleague.post(change_page(draft), theirs).status_code == 302
    page = staff.post(change_page(draft), mine).content.decode()
    assert "Body, as it is stored:<br>Theirs<br><br>&lt;b&gt;" in page and "My body</textarea>" in page


def test_a_draft_stays_in_its_letter_and_language(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    other = make_letter("tunnel")
    form = typed(staff, change_page(draft), language="zh-hant", letter=other.pk, title="교량")
    assert staff.post(change_page(draft), form).status_code == 302
    draft.refresh_from_db()
    assert (draft.title, draft.language, draft.revision.letter) == ("교량", "ko", letter)


def test_of_two_drafts_in_one_language_the_one_that_was_opened_is_saved(staff: Client, letter: Letter) -> None:
    draft = revise(letter, "ko", KOREAN)
    later = Translation(revision=letter.revisions.create(number=2), language="ko", **KOREAN)
    later.save()
    assert staff.post(change_page(draft), typed(staff, change_page(draft), title="교량")).status_code == 302
    assert set(Translation.objects.drafts().values_list("pk", "title")) == {
        (draft.pk, "교량"),
        (later.pk, KOREAN["title"]),
    }


def two_drafts(letter: Letter) -> tuple[Translation, Translation]:
    """A Korean draft of each of two wordings, as version 0.9 left them."""
    first = revise(letter, "ko", KOREAN)
    publish(revise(letter, "en", {**WORDS, "title": "Two bridges"}))
    wording = Translation.objects.published().get(title="Two bridges")
    second = Translation(**{**KOREAN, "title": "두 다리"}, language="ko", revision=wording.revision)
    second.save()
    return first, second


def test_a_draft_does_not_take_the_place_of_another(staff: Client, letter: Letter) -> None:
    first, second = two_drafts(letter)
    wording = Translation.objects.get(revision=second.revision, authoritative=True)
    for chosen in (wording.pk, ""):  # nothing chosen is the newest wording
        form = typed(staff, change_page(first), wording=chosen, body="Words that took an hour.")
        answer = staff.post(change_page(first), form)
        assert answer.status_code == 200 and "Another draft translates that wording already" in answer.content.decode()
        assert "Words that took an hour." in answer.content.decode(), "what was typed stays"
    assert Translation.objects.drafts().count() == 2


def test_A7_the_draft_that_is_shown_in_a_conflict_is_the_one_that_would_be_overwritten(
    staff: Client, letter: Letter
) -> None:
    first, second = two_drafts(letter)
    wording = Translation.objects.get(revision=first.revision, authoritative=True)
    form = typed(staff, f"{ADD}?letter={letter.pk}", language="ko", wording=wording.pk, title="New")
    asked = staff.post(ADD, form)
    assert first.title in asked.content.decode() and second.title not in asked.content.decode()
    again = {name: asked.context["adminform"].form[name].value() for name in form}
    staff.post(ADD, {name: "" if value is None else value for name, value in again.items()})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.title, second.title) == ("New", "두 다리")
