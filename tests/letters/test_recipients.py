"""Who the recipient is: readers of a letter to an orchestra's council do not read of a government."""

import pytest
from django.template.loader import get_template
from django.test import Client
from django.utils import translation

from campaign.letters import text_cache
from campaign.letters.recipients import WORDS
from campaign.models import Letter
from campaign.translations import catalogs
from campaign.web import middleware
from tests.prepared import BASE

pytestmark = pytest.mark.django_db

NAMED = {"government": "a government or an authority", "company": "a company", "institution": "an institution", "person": "a person"}  # fmt: skip
FOLDED = {"government": "a government or authority"}  # above the form it must fit on one line


def pages(client: Client, kind: str) -> tuple[str, str]:
    Letter.objects.update(recipient_kind=kind)
    text_cache.clear_cache()
    middleware.page_cache.clear()
    return client.get("/").content.decode(), client.get("/letters/bridge/privacy/").content.decode()


@pytest.mark.parametrize("kind", Letter.RecipientKind)
def test_form_and_privacy_notice_name_the_kind_of_the_recipient(client: Client, letter: Letter, kind: str) -> None:
    form, notice = pages(client, kind)
    assert f"This letter goes to {FOLDED.get(kind, NAMED[kind])}." in form
    assert "We deliver it to the Minister of Bridges." in form
    assert f"Signing a letter to {NAMED[kind]} is " in notice
    for other in set(NAMED) - {kind}:
        assert f"to {NAMED[other]}" not in form + notice and f"to {FOLDED.get(other)}" not in form


def test_every_kind_has_its_words_in_every_language() -> None:
    assert WORDS.keys() == set(Letter.RecipientKind)
    for language in catalogs.languages():
        with translation.override(language):
            for words in WORDS.values():
                for sentence in (words.warning, words.privacy):
                    assert translation.gettext(sentence) != sentence, (language, sentence)


def test_no_other_words_say_that_the_recipient_is_a_government() -> None:
    templates = [file.relative_to(BASE / "templates") for kind in ("*.html", "*.txt", "*.toml") for file in (BASE / "templates").rglob(kind)]  # fmt: skip
    assert get_template("privacy.html") and len(templates) > 100
    for file in templates:
        words = (BASE / "templates" / file).read_text(encoding="utf-8").lower()
        assert not {"government", "minister", "authorities"} & set(words.replace(",", " ").split()), file


def test_P13_the_name_of_a_recipient_is_text(client: Client, letter: Letter) -> None:
    Letter.objects.update(recipient="<img src=x>%(recipient)s")
    form, notice = pages(client, "company")
    for page in (form, notice):
        assert "&lt;img src=x&gt;%(recipient)s" in page and "<img src=x" not in page
