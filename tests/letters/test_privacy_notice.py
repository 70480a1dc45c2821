"""The privacy notice of a letter: who is responsible, what for, on what basis, and what the software does."""

import re

import pytest
from django.conf import settings
from django.test import Client

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, PrivacyText
from campaign.web import middleware
from tests.factories import WORDS, make_letter

pytestmark = pytest.mark.django_db

NOTICE = "/letters/bridge/privacy/"


def words_of(client: Client, path: str = NOTICE) -> str:
    """Returns the content of a page as it is read."""
    text_cache.clear_cache()
    middleware.page_cache.clear()
    page = client.get(path).content.decode()
    return re.sub(r"\s+", " ", page[page.index("<main") : page.index("</main>")])


def test_each_page_of_a_letter_leads_to_its_notice_and_so_does_the_consent(client: Client, letter: Letter) -> None:
    for path in ("/", "/letters/bridge/history/", "/letters/bridge/my-link/"):
        page = client.get(path).content.decode()
        assert f'<a href="{NOTICE}">' in page[page.index('<footer class="footer">') :]
    form = client.get("/").content.decode()
    assert f'<a href="{NOTICE}">Privacy</a>' in form[form.index("id_consent") :]
    assert client.get(NOTICE).status_code == 200


def test_the_notice_says_what_article_13_asks_for(client: Client, letter: Letter) -> None:
    notice = words_of(client)
    for words in (
        settings.ORGANIZATION_NAME, settings.CONTACT_EMAIL,  # who
        "Names are collected to show", "Article 6(1)(a)", "Article 9(2)(a)",  # what for, on what basis
        "goes to: the Minister of Bridges", "can be read in every country",  # recipients, transfer
        "How long", "deleted after seven days",  # storage
        "withdraw your consent at any time", "complain to a supervisory authority", "Nobody has to sign",  # rights
    ):  # fmt: skip
        assert words in notice, words


def test_the_organization_says_it_in_its_own_words(client: Client, letter: Letter) -> None:
    PrivacyText.objects.create(letter=letter, language="en", purpose="To save the bridge.\n\nAnd the ferry.")
    notice = words_of(client)
    assert "<p>To save the bridge.</p> <p>And the ferry.</p>" in notice and "Names are collected to show" not in notice
    assert "Article 6(1)(a)" in notice, "an empty paragraph has the words of the site"


@pytest.mark.parametrize(("name", "words"), [(name, f"{name}, {name}!") for name in PrivacyText.PARAGRAPHS])
def test_each_paragraph_has_its_place(client: Client, letter: Letter, name: str, words: str) -> None:
    PrivacyText.objects.create(letter=letter, language="en", **{name: words})
    assert words_of(client).count(f"<p>{words}</p>") == 1


def test_a_reader_gets_their_language_else_the_authoritative_one_marked_as_such(client: Client, letter: Letter) -> None:
    PrivacyText.objects.create(letter=letter, language="en", purpose="To save the bridge.", transfer="Nowhere.")
    PrivacyText.objects.create(letter=letter, language="ko", purpose="다리를 위하여.")
    PrivacyText.objects.create(letter=letter, language="zh-hans", retention="一年。")
    notice = words_of(client, f"/ko{NOTICE}")
    assert "<div><p>다리를 위하여.</p></div>" in notice and "To save the bridge" not in notice
    assert '<div lang="en" dir="ltr"><p>Nowhere.</p></div>' in notice
    assert "一年" not in notice, "neither the reader's language nor the one that counts"


def test_the_authoritative_language_may_be_one_that_no_page_of_the_site_is_in(client: Client, db: None) -> None:
    letter = Letter.objects.create(slug="pont", recipient="x")
    publish(revise(letter, "he", {**WORDS, "title": "מכתב"}, authoritative=True))
    PrivacyText.objects.create(letter=letter, language="he", purpose="למען הגשר.")
    assert '<div lang="he" dir="rtl"><p>למען הגשר.</p></div>' in words_of(client, "/letters/pont/privacy/")


def test_P13_a_paragraph_is_text_whatever_is_typed(client: Client, letter: Letter) -> None:
    attack = "<script>alert(1)</script> [x](javascript:1) {% now %} &amp;"
    PrivacyText.objects.create(letter=letter, language="en", **dict.fromkeys(PrivacyText.PARAGRAPHS, attack))
    notice = words_of(client)
    assert notice.count("&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:1) {% now %} &amp;amp;") == 4
    assert "<script>alert" not in notice


def test_the_notice_of_another_organization_says_who_runs_the_website(client: Client, letter: Letter) -> None:
    assert "The website is run by" not in words_of(client)
    Letter.objects.update(organization_name="Harbor Orchestra", contact_email="music@harbor.example")
    notice = words_of(client)
    assert 'Harbor Orchestra, <a href="mailto:music@harbor.example">' in notice
    assert f"The website is run by {settings.ORGANIZATION_NAME}, " in notice and settings.CONTACT_EMAIL in notice


def test_the_notice_of_the_site_is_that_of_its_only_letter(client: Client, letter: Letter) -> None:
    PrivacyText.objects.create(letter=letter, language="en", purpose="To save the bridge.")
    make_letter("draft", state=Letter.State.DRAFT)
    assert "To save the bridge." in words_of(client, "/privacy/")


def test_the_notice_of_a_site_with_several_letters_is_that_of_none(client: Client, letter: Letter) -> None:
    PrivacyText.objects.create(letter=letter, language="en", purpose="To save the bridge.")
    Letter.objects.update(organization_name="Harbor Orchestra")
    make_letter("ferry")
    notice = words_of(client, "/privacy/")
    assert "Harbor Orchestra" not in notice and "To save the bridge." not in notice
    assert settings.ORGANIZATION_NAME in notice and "Each letter has a privacy notice of its own" in notice
    assert "goes to its recipient" in notice and "Signing a letter is taking a stand." in notice


def test_the_notice_of_a_site_without_a_letter_is_there(client: Client, db: None) -> None:
    assert settings.CONTACT_EMAIL in words_of(client, "/privacy/")


def test_a_letter_that_nobody_may_read_has_no_notice(client: Client, db: None) -> None:
    make_letter("draft", state=Letter.State.DRAFT)
    assert client.get("/letters/draft/privacy/").status_code == 404
    assert client.get("/letters/nix/privacy/").status_code == 404


def test_P8_the_notice_is_the_same_for_everybody_and_can_be_cached(client: Client, letter: Letter) -> None:
    answer = client.get(NOTICE)
    assert "public" in answer["Cache-Control"] and not answer.cookies
    with_query = client.get(f"{NOTICE}?x=1")
    assert with_query.status_code == 200
