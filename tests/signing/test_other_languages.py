"""A letter in a language that the site has no catalog for: read, signed, confirmed, listed, handed over."""

import csv
import html
import json
import re
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils.http import urlencode

from campaign.letters import languages, reading, text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from campaign.public_urls import urlpatterns as public_urls
from campaign.urls import urlpatterns
from campaign.web import middleware
from signatures.delivery import csv_export
from signatures.models import OutboxMail, Signature, Submission
from signatures.outbox import queue
from signatures.states import State
from signatures.values import tokens
from tests.factories import LETTERHEAD, WORDS, make_signature, make_submission
from tests.inbox import Inbox
from tests.languages import FEW

pytestmark = pytest.mark.django_db
FRENCH = {**WORDS, "title": "Lettre au conseil municipal", "body": "Nous demandons *un* pont."}
ARABIC = {**WORDS, "title": "رسالة إلى المجلس البلدي", "body": "نطلب *جسرا* واحدا، رقم 12."}
TEXTS = {"fr": FRENCH, "ar": ARABIC}


@pytest.fixture(autouse=True)
def _without_their_catalogs(settings: Any) -> None:
    settings.LANGUAGES = FEW


@pytest.fixture
def orchestra(db: None) -> Letter:
    """A letter in French and Arabic alone."""
    letter = Letter.objects.create(slug="orchestra", recipient="le conseil", letterhead=LETTERHEAD)
    publish(revise(letter, "fr", FRENCH, authoritative=True))
    publish(revise(letter, "ar", ARABIC))
    letter.refresh_from_db()
    return letter


@pytest.fixture
def translated(letter: Letter) -> Letter:
    """The English letter, with a French and an Arabic text."""
    for language, words in TEXTS.items():
        publish(revise(letter, language, words))
    return letter


def page_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return html.unescape(answer.content.decode())


def filled(form: dict[str, str], page: str) -> dict[str, str]:
    """The form under the text that is on the page."""
    (digest,) = set(re.findall(r'name="text" value="([0-9a-f]{64})"', page))
    return form | {"text": digest}


def text_in(letter: Letter, language: str) -> Translation:
    text = Translation.objects.newest(letter.slug, language)
    assert text is not None and text.language == language
    return text


# The address


@pytest.mark.parametrize(("language", "direction"), [("fr", "ltr"), ("ar", "rtl")])
def test_a_text_has_an_address_of_its_own_under_the_interface_of_the_reader(
    client: Client, translated: Letter, language: str, direction: str
) -> None:
    for prefix, interface, words in (("", "en", "Sign the letter"), ("/ko", "ko", "서명")):
        page = page_of(client, f"/{language}{prefix}/letters/bridge/")
        assert f'<html lang="{interface}" dir="ltr">' in page, "the page keeps its direction"
        assert f'<h1 lang="{language}" dir="{direction}">{TEXTS[language]["title"]}</h1>' in page
        assert re.search(rf'<article class="sheet" lang="{language}" dir="{direction}"', page)
        assert words in page
    answer = client.get(f"/{language}/letters/bridge/")
    assert "public" in answer["Cache-Control"] and not answer.cookies and "Language" not in answer.get("Vary", "")


def test_the_home_page_of_a_letter_without_an_english_text_shows_the_authoritative_one(
    client: Client, orchestra: Letter
) -> None:
    assert FRENCH["title"] in page_of(client, "/")
    assert ARABIC["title"] in page_of(client, "/ar/")
    assert FRENCH["title"] in page_of(client, "/ko/letters/orchestra/")


@pytest.mark.parametrize("path", ["/de/letters/bridge/", "/de/", "/FR/letters/bridge/", "/fr/fr/letters/bridge/",
    "/de/letters/bridge/history/", "/de/letters/bridge/privacy/", "/de/ko/letters/bridge/signatories/",
    "/ko/fr/letters/bridge/", "/xx/letters/bridge/", "/en/letters/bridge/", "/fr-fr/letters/bridge/"])  # fmt: skip
def test_what_does_not_exist_has_no_address(client: Client, translated: Letter, path: str) -> None:
    assert client.get(path).status_code == 404


def test_A11_nothing_but_public_pages_is_found_behind_a_language(client: Client, translated: Letter) -> None:
    """A proxy may keep strangers from the address of admin: there is no second one."""
    for path in (f"/{settings.ADMIN_PATH}", f"/{settings.ADMIN_PATH}login/", "/sitemap.xml", "/robots.txt", "/readyz"):
        assert client.get(path).status_code != 404, path
        assert client.get(f"/fr{path}").status_code == 404, path


def test_no_address_begins_with_what_could_be_a_language(settings: Any) -> None:
    for pattern in [*urlpatterns, *public_urls]:
        routes = [str(pattern.pattern), *(str(each.pattern) for each in getattr(pattern, "url_patterns", []))]
        assert not {route.split("/")[0] for route in routes} & (languages.codes() - {"en"}), routes
    settings.ADMIN_PATH = "fr/"
    assert reading.split("/fr/login/") == ("", "/fr/login/"), "admin comes first"


def test_links_on_the_page_stay_with_the_text(client: Client, translated: Letter) -> None:
    page = page_of(client, "/fr/letters/bridge/")
    footer = page.split('<footer class="footer">')[1]
    assert set(re.findall(r'href="(/[^"]*)"', footer)) >= {
        "/fr/letters/bridge/", "/fr/letters/bridge/signatories/", "/fr/letters/bridge/history/", "/fr/letters/bridge/privacy/",
    }  # fmt: skip
    listing = page_of(client, "/fr/letters/bridge/signatories/")
    assert '<a href="/fr/letters/bridge/">' in listing and '<a href="/fr/ko/letters/bridge/signatories/"' in listing


# What readers are told


def bar(page: str) -> dict[str, tuple[str, str]]:
    """Address and mark of each language in the bar."""
    nav = page.split('<nav class="languages"')[1].split("</nav>", maxsplit=1)[0]
    rows = re.findall(
        r'<a href="([^"]*)" lang="([^"]+)"[^>]*>[^<]+</a>(?: <span class="letter-in">([^<]+)</span>)?', nav
    )
    return {language: (address, mark) for address, language, mark in rows}


def test_the_bar_has_the_languages_of_the_site_and_the_further_ones_of_the_letter(
    client: Client, translated: Letter
) -> None:
    publish(revise(translated, "ko", {**WORDS, "title": "편지"}))
    expected = {
        "en": ("/letters/bridge/", ""),
        "ko": ("/ko/letters/bridge/", ""),
        "zh-hans": ("/zh-hans/letters/bridge/", "(letter in English)"),
        "zh-hant": ("/zh-hant/letters/bridge/", "(letter in English)"),
        "fr": ("/fr/letters/bridge/", ""),
        "ar": ("/ar/letters/bridge/", ""),
    }
    assert bar(page_of(client, "/letters/bridge/")) == expected
    french = page_of(client, "/fr/letters/bridge/")
    assert bar(french) == expected
    assert re.findall(r'lang="([^"]+)"[^>]* aria-current="true">([^<]+)', french) == [("fr", "français")]
    assert bar(page_of(client, "/zh-hans/letters/bridge/"))["fr"] == ("/fr/zh-hans/letters/bridge/", "")
    assert "(영어로 된 편지)" not in bar(page_of(client, "/ko/letters/bridge/"))["ko"]


def test_readers_are_told_at_the_title_and_in_the_consent_which_text_they_sign(
    client: Client, translated: Letter
) -> None:
    french = page_of(client, "/fr/letters/bridge/")
    note = re.search(r'<p class="language-note">([^<]+)</p>', french)
    assert note is not None and note[1].split() == [
        *["You", "sign", "the", "French", "text.", "This", "page", "is", "in", "English."]
    ]
    assert "I put my name under the French text of this letter, and agree" in french
    english = page_of(client, "/letters/bridge/")
    assert "You sign the" not in english, "title and page are in one language"
    assert "I put my name under the English text of this letter" in english, "there is more than one"
    assert "under the English text" not in page_of(client, "/zh-hans/letters/bridge/"), (
        "told in the page's own language"
    )


def test_nothing_is_said_where_there_is_one_text_in_the_language_of_the_page(client: Client, letter: Letter) -> None:
    page = page_of(client, "/letters/bridge/")
    assert "You sign the" not in page and "I put my name under this letter, and agree" in page
    link = f"/signature/{tokens.personal_token(make_submission(letter, 'Ben').public_id)}/"
    assert "You sign the" not in page_of(client, link)


def test_search_engines_are_told_of_texts_and_not_of_pages(client: Client, translated: Letter) -> None:
    site = settings.SITE_URL
    texts = {code: f"{site}{prefix}/letters/bridge/" for code, prefix in (("en", ""), ("fr", "/fr"), ("ar", "/ar"))} | {
        "x-default": f"{site}/letters/bridge/"
    }
    for path, canonical in {
        "/": texts["en"],
        "/ko/letters/bridge/": texts["en"],
        "/fr/letters/bridge/": texts["fr"],
        "/fr/ko/letters/bridge/": texts["fr"],
    }.items():
        page = page_of(client, path)
        assert re.findall(r'rel="canonical" href="([^"]+)"', page) == [canonical], path
        assert dict(re.findall(r'rel="alternate" hreflang="([^"]+)" href="([^"]+)"', page)) == texts, path
    history = page_of(client, "/fr/letters/bridge/history/")
    assert re.findall(r'rel="canonical" href="([^"]+)"', history) == [f"{site}/letters/bridge/history/"]
    shared = page_of(client, "/fr/letters/bridge/")
    assert f'<meta property="og:url" content="{texts["fr"]}">' in shared
    assert '<meta property="og:locale" content="fr">' in shared and 'content="ko_KR"' not in shared


# Signing


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(("prefix", "interface"), [("", "en"), ("/ko", "ko")])
def test_a_supporter_signs_the_text_that_was_read_and_goes_on_in_the_language_of_the_page(
    client: Client,
    translated: Letter,
    form: dict[str, str],
    link_in_mail: Callable[[], str],
    inbox: Inbox,
    language: str,
    prefix: str,
    interface: str,
) -> None:
    base, text = f"/{language}{prefix}/letters/bridge/", text_in(translated, language)
    page = page_of(client, base)
    assert f'action="{base}sign/"' in page
    refused = client.post(f"{base}sign/", filled(form, page) | {"name": ""})
    again = html.unescape(refused.content.decode())
    assert refused.status_code == 422 and text.title in again and f'<html lang="{interface}"' in again
    answer = client.post(f"{base}sign/", filled(form, again))
    assert (answer.status_code, answer["Location"]) == (303, f"{base}check-mail/")
    assert f'<a href="{base}">' in page_of(client, answer["Location"])

    row = Submission.objects.get()
    assert (row.translation, row.language, row.page_language) == (text, language, interface)
    assert OutboxMail.objects.get().language == interface
    link = link_in_mail()
    assert link.startswith(f"{prefix}/signature/")
    shown = page_of(client, link)
    assert f'<html lang="{interface}"' in shown and text.digest in shown and f'href="{base}"' in shown
    assert f'<div class="sheet" lang="{language}" dir="{languages.describe(language).direction}">' in shown
    if interface == "en":
        name = {"fr": "French", "ar": "Arabic"}[language]
        assert f"You sign the {name} text. This page is in English." in " ".join(shown.split())
        assert f"under the {name} letter" in shown
    sent = {"action": "confirm", "name": "Dora Maar", "visibility": "public", "consent": "on"}
    assert client.post(link, filled(sent, shown)).status_code == 303
    signature = Signature.objects.get()
    assert (signature.translation, signature.language, signature.page_language) == (text, language, interface)
    stored = client.post(link, {"action": "data"}).json()
    assert stored["text"] == {"revision": 1, "language": language, "sha256": text.digest}
    assert (stored["language"], stored["page_language"]) == (language, interface)


def test_a_page_in_korean_with_the_english_text_makes_an_english_signature(
    client: Client, letter: Letter, form: dict[str, str], link_in_mail: Callable[[], str]
) -> None:
    page = page_of(client, "/ko/letters/bridge/")
    assert client.post("/ko/letters/bridge/sign/", filled(form, page)).status_code == 303
    row = Submission.objects.get()
    assert (row.language, row.page_language) == ("en", "ko")
    assert link_in_mail().startswith("/ko/signature/")


def test_where_page_and_text_agree_one_language_is_stored(client: Client, letter: Letter, form: dict[str, str]) -> None:
    client.post("/letters/bridge/sign/", form)
    row = Submission.objects.get()
    assert (row.language, row.page_language, row.email_language) == ("en", "", "en")


def test_the_confirm_page_keeps_the_text_when_the_reader_changes_the_language_of_the_page(
    client: Client, translated: Letter
) -> None:
    row = make_submission(translated, "Ben", language="fr", page_language="ko", translation=text_in(translated, "fr"))
    token = tokens.personal_token(row.public_id)
    bar = re.search(r'<nav class="languages".*?</nav>', page_of(client, f"/signature/{token}/"), re.DOTALL)
    offered = re.findall(r'href="([^"]+)"', bar[0]) if bar else []
    assert len(offered) >= 3 and all(address.endswith(f"/signature/{token}/") for address in offered)
    for address in (f"/ar/signature/{token}/", *offered, f"/signature/{token}/"):
        shown = page_of(client, address)
        assert FRENCH["title"] in shown and ARABIC["title"] not in shown, address
    sent = {"action": "confirm", "name": "Ben", "visibility": "public", "consent": "on"}
    client.post(f"/signature/{token}/", filled(sent, shown))
    signature = Signature.objects.get()
    assert (signature.language, signature.page_language) == ("fr", "en"), "emails follow the page that was used last"


def test_what_was_typed_is_kept_when_the_text_was_taken_back(
    client: Client, translated: Letter, form: dict[str, str]
) -> None:
    page = page_of(client, "/fr/letters/bridge/")
    Translation.objects.filter(language="fr").update(taken_back_at="2026-11-29T00:00Z")
    text_cache.clear_cache()
    answer = client.post("/fr/letters/bridge/sign/", filled(form, page))
    shown = html.unescape(answer.content.decode())
    assert answer.status_code == 422 and "Dora Maar" in shown and WORDS["title"] in shown
    assert "The letter has changed since you opened this page" in shown


def test_the_letter_is_read_in_its_language_while_the_database_is_away(
    client: Client, translated: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_of(client, "/fr/letters/bridge/")
    text = text_cache.last_read("bridge")
    assert text is not None and text.language == "en"
    with reading.reading("fr"):
        french = text_cache.last_read("bridge")
    assert french is not None and french.title == FRENCH["title"]


# Emails and what is handed over


def test_later_emails_are_in_the_language_of_the_page(translated: Letter) -> None:
    signature = make_signature(
        translated,
        "Ada",
        language="fr",
        page_language="zh-hans",
        sealed_address=b"x",
        translation=text_in(translated, "fr"),
    )
    queue.enqueue_question(signature, address="ada@example.org")
    queue.enqueue_updates({signature.pk: "ada@example.org"}, topic="delivery:1")
    assert [mail.language for mail in OutboxMail.objects.all()] == ["zh-hans", "zh-hans"]


def test_the_csv_has_the_language_of_the_text(translated: Letter) -> None:
    make_signature(translated, "Zoé", language="fr", page_language="en", translation=text_in(translated, "fr"))
    make_signature(translated, "ليلى", language="ar", page_language="ko", translation=text_in(translated, "ar"))
    out = BytesIO()
    csv_export.write_list(translated, out)
    rows = list(csv.DictReader(StringIO(out.getvalue().decode("utf-8-sig"))))
    assert sorted((row["name"], row["language"], row["revision"]) for row in rows) == [
        ("Zoé", "fr", "1"), ("ليلى", "ar", "1"),
    ]  # fmt: skip


def test_the_list_finds_names_in_these_scripts(client: Client, translated: Letter) -> None:
    for name, language in (("Zoé Lefèvre", "fr"), ("ليلى حداد", "ar")):
        make_signature(translated, name, language=language, translation=text_in(translated, language))
    for typed, found in (("lefevre", "Zoé Lefèvre"), ("حداد", "ليلى حداد")):
        assert found in page_of(client, f"/ar/letters/bridge/signatories/?{urlencode({'q': typed})}")


def test_staff_see_the_languages_of_texts_in_filter_rule_and_dashboard(
    client: Client, translated: Letter, owner: Any
) -> None:
    text = text_in(translated, "fr")
    make_signature(translated, "Zoé", State.WAITING, language="fr", page_language="en", translation=text)
    make_signature(translated, "Ada", State.WAITING)
    client.force_login(owner)
    for language in ("fr", "other"):
        queue = client.get(f"/admin/signatures/waitingsignature/?language={language}").content.decode()
        assert "Zoé" in queue and "Ada" not in queue and "another language" in queue
    rule = client.get("/admin/signatures/bulkrule/add/").content.decode()
    assert '<option value="fr">French</option>' in rule and '<option value="de">' not in rule
    dashboard = client.get("/admin/").content.decode()
    assert "French" in dashboard


# The pages beside the letter


def test_history_embed_feed_and_api_know_the_texts(client: Client, translated: Letter) -> None:
    history = page_of(client, "/letters/bridge/history/")
    assert (
        "Revision 1 (Arabic)" in history
        and f'<p class="revision-title" lang="ar" dir="rtl">{ARABIC["title"]}' in history
    )
    embed = page_of(client, "/ar/letters/bridge/embed/")
    assert f'<h1 lang="ar" dir="rtl">{ARABIC["title"]}</h1>' in embed
    assert f'href="{settings.SITE_URL}/ar/letters/bridge/"' in embed
    share = page_of(client, "/fr/letters/bridge/tell/")
    assert f"{settings.SITE_URL}/fr/letters/bridge/embed/" in share
    feed = html.unescape(client.get("/fr/letters/bridge/news/feed/").content.decode())
    assert FRENCH["title"] in feed and f"{settings.SITE_URL}/fr/letters/bridge/news/" in feed
    assert json.loads(client.get("/api/v1/letters/bridge/").content)["title"] == WORDS["title"]
    assert json.loads(client.get("/ar/api/v1/letters/bridge/").content)["title"] == ARABIC["title"]


def test_the_mirror_has_a_page_for_each_text_and_one_list(translated: Letter, settings: Any, tmp_path: Any) -> None:
    settings.STATIC_ROOT = tmp_path / "static"
    call_command("collectstatic", interactive=False, verbosity=0)
    make_signature(translated, "Ada")
    folder = tmp_path / "mirror"
    call_command("mirror", str(folder), stdout=StringIO())
    arabic = (folder / "ar" / "letters" / "bridge" / "index.html").read_text("utf-8")
    assert ARABIC["title"] in arabic and 'href="../../../letters/bridge/signatories/index.html"' in arabic
    assert (folder / "ar" / "ko" / "letters" / "bridge" / "index.html").exists()
    assert not list(folder.glob("ar/**/signatories")) and not list(folder.glob("fr/**/privacy"))


@pytest.mark.parametrize("language", TEXTS)
def test_each_address_has_its_own_cached_page(client: Client, translated: Letter, language: str) -> None:
    page_of(client, "/letters/bridge/")
    assert TEXTS[language]["title"] in page_of(client, f"/{language}/letters/bridge/")
    assert WORDS["title"] in page_of(client, "/letters/bridge/")
    kept = len(middleware.page_cache._pages)
    assert "utm_source" not in page_of(client, f"/{language}/letters/bridge/?utm_source=x")
    assert len(middleware.page_cache._pages) == kept, "it is answered from memory"
    assert {key[1] for key in middleware.page_cache._pages} >= {"/letters/bridge/", f"/{language}/letters/bridge/"}
