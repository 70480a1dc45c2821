"""A text is in a language of the list: checked where it is entered, in one spelling, and told by a sentence."""

import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone, translation

from campaign.letters import languages
from campaign.letters.publishing import Refused, publish, revise
from campaign.models import Letter, NewsText, Translation
from campaign.models.letter_details import PrivacyText
from tests.factories import WORDS
from tests.letters.test_drafts import ADD, change_page, staff, typed

__all__ = ["staff"]
pytestmark = pytest.mark.django_db
SENTENCE = "Write the code, such as fr."


# The list


def test_the_list_has_the_languages_of_django_and_of_cldr() -> None:
    assert {
        "en",
        "ko",
        "zh-hans",
        "zh-hant",
        "fr",
        "de",
        "ar",
        "fa",
        "ug",
        "bo",
        "mn-mong",
        "pt-br",
    } <= languages.codes()
    assert len(languages.codes()) > 300
    assert all(code == code.lower() and "_" not in code and len(code) <= 10 for code in languages.codes())
    assert not {"zh-cn", "zh-tw", "zh", "iw", "french"} & languages.codes()


@pytest.mark.parametrize(
    ("code", "own_name", "name", "script", "direction"),
    [
        ("fr", "français", "French", "Latn", "ltr"),
        ("ar", "العربيّة", "Arabic", "Arab", "rtl"),
        ("he", "עברית", "Hebrew", "Hebr", "rtl"),
        ("ug", "ئۇيغۇرچە", "Uyghur", "Arab", "rtl"),
        ("dv", "ދިވެހިބަސް", "Divehi", "Thaa", "rtl"),
        ("bo", "བོད་སྐད་", "Tibetan", "Tibt", "ltr"),
        ("udm", "Удмурт", "Udmurt", "Cyrl", "ltr"),
        ("pa-arab", "پنجابی (عربی)", "Punjabi (Arabic)", "Arab", "rtl"),
        ("zh-hans", "简体中文", "Simplified Chinese", "Hans", "ltr"),
        ("sr-latn", "srpski (latinica)", "Serbian (Latin)", "Latn", "ltr"),
    ],
)
def test_each_language_has_names_a_script_and_a_direction(
    code: str, own_name: str, name: str, script: str, direction: str
) -> None:
    found = languages.describe(code)
    assert (found.own_name, found.name, found.script, found.direction) == (own_name, name, script, direction)


def test_a_language_is_named_in_the_language_of_the_page() -> None:
    with translation.override("ko"):
        assert (languages.describe("fr").name, languages.describe("ar").name) == ("프랑스어", "아랍어")
    with translation.override("zh-hant"):
        assert languages.describe("ug").name == "維吾爾文"


@pytest.mark.parametrize(
    ("entered", "code"),
    [("FR", "fr"), (" fr ", "fr"), ("pt_BR", "pt-br"), ("zh-Hans", "zh-hans"), ("zh_TW", "zh-hant"), ("iw", "he"), ("zh", "zh-hans")],
)  # fmt: skip
def test_each_language_is_kept_in_one_spelling(letter: Letter, entered: str, code: str) -> None:
    assert revise(letter, entered, {**WORDS, "title": "Titre"}).language == code
    text = NewsText(news_id=1, language=entered, title="x", body="y")
    text.clean_fields(exclude=["news"])
    assert text.language == code


# Refused where it is entered

MISTAKES = {"French": "fr", "xx": "", "german": "de", "fr-FR": "fr", "العربيّة": "ar", "frnch": "fr", "<b>": ""}


@pytest.mark.parametrize(("entered", "meant"), MISTAKES.items())
def test_what_is_no_code_is_refused_with_a_sentence(letter: Letter, entered: str, meant: str) -> None:
    sentence = SENTENCE + (f" Did you mean {meant}?" if meant else "")
    for row in (
        Translation(revision=letter.revisions.get(), language=entered, **WORDS),
        NewsText(language=entered, title="x", body="y"),
        PrivacyText(letter=letter, language=entered),
    ):
        with pytest.raises(ValidationError) as refused:
            row.clean_fields(exclude=["news"])
        assert refused.value.message_dict["language"] == [sentence]
    with pytest.raises(Refused) as not_stored:
        revise(letter, entered, WORDS)
    assert str(not_stored.value) == sentence


@pytest.mark.parametrize("entered", ["French", "xx"])
def test_the_form_of_a_text_says_so_beside_the_field(staff: Client, letter: Letter, entered: str) -> None:
    form = typed(staff, f"{ADD}?letter={letter.pk}", language=entered, title="Titre")
    answer = staff.post(ADD, form)
    errors = answer.context["adminform"].form.errors
    assert errors == {"language": [SENTENCE + (" Did you mean fr?" if entered == "French" else "")]}
    assert f'value="{entered}"' in answer.content.decode(), "what was typed is kept"
    assert '<option value="ar">Arabic</option>' in answer.content.decode(), "the browser offers codes by their names"
    assert staff.post(ADD, form | {"language": "FR"}).status_code == 302
    assert Translation.objects.drafts().get().language == "fr"


def test_a_folder_says_it_before_anything_is_stored(db: None, letter_file: Path, tmp_path: Path) -> None:
    shutil.copytree(letter_file.parent, tmp_path / "letter")
    french = letter_file.read_text("utf-8").replace("authoritative = true", "")
    for name in ("fr_FR.md", "ko.md", "KO.md"):
        (tmp_path / "letter" / name).write_text(french)
    with (tmp_path / "letter" / "letter.toml").open("a") as file:
        file.write('[privacy.German]\npurpose = "Zweck"\n')
    with pytest.raises(CommandError) as refused:
        call_command("load_letter", str(tmp_path / "letter"), stdout=StringIO())
    assert set(str(refused.value).splitlines()) >= {
        "fr_FR.md: “fr_FR” is no language. Write the code, such as fr. Did you mean fr?",
        "letter.toml: “German” is no language. Write the code, such as fr. Did you mean de?",
        "KO.md: another file is in this language.",
        "ko.md: another file is in this language.",
    }
    assert not Translation.objects.exists()


# What was stored before codes were checked


def stored_before(letter: Letter, language: str, **fields: Any) -> Translation:
    """A row as it was stored without a check."""
    return Translation.objects.create(revision=letter.revisions.get(), language=language, **{**WORDS, **fields})


def test_a_draft_without_a_code_gets_one_in_its_form(staff: Client, letter: Letter) -> None:
    draft = stored_before(letter, "French", title="Titre")
    with pytest.raises(Refused):
        revise(letter, "French", WORDS, draft=draft)
    form = typed(staff, change_page(draft))
    assert staff.post(change_page(draft), form).context["adminform"].form.errors.keys() == {"language"}
    assert staff.post(change_page(draft), form | {"language": "fr"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.language, draft.title) == ("fr", "Titre")


def test_a_published_translation_without_a_code_stays_in_the_history_alone(client: Client, letter: Letter) -> None:
    stored_before(letter, "French", title="Titre", published_at=timezone.now())
    page = client.get("/letters/bridge/").content.decode()
    assert "Titre" not in page and page.count('rel="alternate" hreflang') == 2, "English, x-default"
    assert client.get("/French/letters/bridge/").status_code == 404
    history = client.get("/letters/bridge/history/").content.decode()
    assert "Revision 1 (French)" in history and '<p class="revision-title" lang="" dir="auto">Titre' in history
    assert "French" not in client.get("/sitemap.xml").content.decode()


def test_a_published_wording_without_a_code_is_shown_and_can_be_followed_by_one_with_a_code(
    client: Client, db: None
) -> None:
    letter = Letter.objects.create(slug="pont", recipient="la ministre", state=Letter.State.OPEN)
    old = Translation(
        revision=letter.revisions.create(number=1), language="French", authoritative=True, published_at=timezone.now(),
        **{**WORDS, "title": "Titre"},
    )  # fmt: skip
    old.save()
    page = client.get("/letters/pont/").content.decode()
    assert '<h1 lang="" dir="auto">Titre</h1>' in page and 'rel="canonical"' in page
    new = revise(letter, "fr", {**WORDS, "title": "Le titre"}, authoritative=True)
    publish(new)
    assert Translation.objects.newest("pont", "fr") == new
