"""Languages: chosen by the address alone; links between languages; translations of the letter."""

import html
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse
from django.utils import timezone, translation

from campaign.letters import text, text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter, Translation
from campaign.web import middleware
from signatures.models import Signature, Submission
from signatures.outbox import rendering
from signatures.sharing import links
from signatures.values import tokens
from tests import pseudo
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_submission
from tests.publish_page import publish_by_page
from tests.test_everything import fits, names_of

NAMES = {
    "en": "English", "ar": "العربيّة", "es": "español", "fr": "français", "ja": "日本語", "ko": "한국어",
    "zh-hans": "简体中文", "zh-hant": "繁體中文",
}  # fmt: skip
PREFIX = {code: "" if code == "en" else f"/{code}" for code in NAMES}
pytestmark = pytest.mark.django_db


def offered(page: str) -> dict[str, str]:
    """Language and address of each link in the list of languages."""
    nav = re.search(r'<nav class="languages".*?</nav>', page, re.DOTALL)
    assert nav is not None
    found = re.findall(r'<a href="([^"]*)" lang="([^"]+)" hreflang="([^"]+)"[^>]*>([^<]+)</a>', nav[0])
    assert {lang: name for _href, lang, _hreflang, name in found} == NAMES
    assert all(lang == hreflang for _href, lang, hreflang, _name in found)
    assert re.findall(r'lang="([^"]+)"[^>]* aria-current="true"', nav[0]) == re.findall(r'<html lang="([^"]+)"', page)
    return {lang: href for href, lang, _hreflang, _name in found}


def the_same(path: str) -> dict[str, str]:
    return {code: prefix + path for code, prefix in PREFIX.items()}


@pytest.mark.parametrize("code", NAMES)
def test_each_page_offers_itself_in_every_language(client: Client, ada: Signature, code: str) -> None:
    personal = f"/signature/{tokens.personal_token(ada.public_id)}/"
    listing = "/letters/bridge/signatories/"
    pages = ("/", "/letters/bridge/", "/privacy/", "/letters/bridge/history/", listing, f"{listing}{ada.public_id}/",
             "/letters/bridge/my-link/", "/letters/bridge/check-mail/", personal)  # fmt: skip
    for path in pages:
        answer = client.get(PREFIX[code] + path)
        assert answer.status_code == 200, path
        assert offered(answer.content.decode()) == the_same(path), path
        assert answer["Content-Language"] == code
    search = client.get(f"{PREFIX[code]}{listing}?q=Ada&country=GB").content.decode()
    assert offered(search) == {code: f"{path}?q=Ada&amp;country=GB" for code, path in the_same(listing).items()}


def test_the_answer_to_a_form_links_to_its_page_in_other_languages(client: Client, ada: Signature) -> None:
    refused = client.post("/ko/letters/bridge/sign/", {"name": "x"})
    assert refused.status_code == 422
    assert offered(refused.content.decode()) == the_same("/letters/bridge/")
    for path, typed in {
        "/letters/bridge/my-link/": {"email": "x"},
        f"/signature/{tokens.personal_token(ada.public_id)}/": {"action": "change", "name": "<"},
    }.items():
        answer = client.post(f"/zh-hans{path}", typed)
        assert answer.status_code == 422, path
        assert offered(answer.content.decode()) == the_same(path)


def test_error_pages_link_to_other_languages_and_have_no_canonical_address(client: Client, ada: Signature) -> None:
    broken = client.get("/ko/signature/x/")
    foreign = client.post("/ko/letters/bridge/sign/", headers={"Sec-Fetch-Site": "cross-site"})
    nothing = client.get("/ko/nothing/")
    unknown = client.get("/ko/letters/unknown/")
    assert [answer.status_code for answer in (broken, foreign, nothing, unknown)] == [404, 403, 404, 404]
    assert offered(broken.content.decode()) == the_same("/"), "whatever the link, one page"
    assert offered(foreign.content.decode()) == the_same("/letters/bridge/sign/") | the_same("/letters/bridge/")
    assert offered(nothing.content.decode()) == the_same("/"), "there is no such page in any language"
    assert offered(unknown.content.decode()) == the_same("/letters/unknown/")
    for answer in (
        broken,
        foreign,
        nothing,
        unknown,
        client.get(f"/signature/{tokens.personal_token(ada.public_id)}/"),
    ):
        assert 'rel="canonical"' not in answer.content.decode() and 'rel="alternate"' not in answer.content.decode()


def test_nothing_but_the_address_chooses_the_language(client: Client, letter: Letter) -> None:
    client.cookies.load({site_settings.LANGUAGE_COOKIE_NAME: "ko"})
    answer = client.get("/", headers={"Accept-Language": "ko"})
    assert '<html lang="en" dir="ltr">' in answer.content.decode()
    assert "Language" not in answer.get("Vary", "") and not answer.cookies
    assert (
        '<html lang="zh-hant" dir="ltr">' in client.get("/zh-hant/", headers={"Accept-Language": "ko"}).content.decode()
    )


@pytest.mark.parametrize("path", ["/en/", "/zh-Hans/", "/KO/", "/zh/", "/zh-cn/", "/ko-kr/", "/de/", "/ko/ko/"])
def test_each_language_has_one_spelling_in_addresses(client: Client, letter: Letter, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer["Content-Language"] == ("ko" if path == "/ko/ko/" else "en")


def test_a_language_without_its_final_slash_is_redirected(client: Client, letter: Letter) -> None:
    answer = client.get("/ko")
    assert (answer.status_code, answer["Location"]) == (301, "/ko/")


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/letters/bridge/"),
        ("/letters/bridge/", "/letters/bridge/"),
        ("/privacy/", "/privacy/"),
        ("/letters/bridge/history/", "/letters/bridge/history/"),
    ],
)
def test_each_language_has_one_address_for_search_engines(
    client: Client, letter: Letter, path: str, canonical: str
) -> None:
    for code in {*PREFIX} - {"en"}:
        publish(revise(letter, code, WORDS))
    for code, prefix in PREFIX.items():
        page = client.get(f"{prefix}{path}?from=mail").content.decode()
        site = site_settings.SITE_URL
        assert re.findall(r'<link rel="canonical" href="([^"]+)">', page) == [site + prefix + canonical]
        alternates = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page))
        expected = {other: site + address for other, address in the_same(canonical).items()}
        assert alternates == expected | {"x-default": site + canonical}, code


def test_without_javascript_a_hint_says_that_another_language_empties_the_form(client: Client, letter: Letter) -> None:
    hint = r"<noscript><p>[^<]+</p></noscript>"
    assert re.search(hint, client.get("/").content.decode())
    assert not re.search(hint, client.get("/privacy/").content.decode())


# The letter in each language


@pytest.fixture
def korean(letter: Letter) -> Translation:
    draft = revise(letter, "ko", {**WORDS, "title": "다리에 관한 편지"}, unofficial=True)
    publish(draft)
    return draft


def test_a_page_says_which_text_it_shows_if_there_is_none_in_its_language(client: Client, letter: Letter) -> None:
    page = client.get("/zh-hans/").content.decode()
    with translation.override("zh-hans"):
        names = [translation.gettext(name) for name in ("Simplified Chinese", "English")]
    assert all(name in page for name in names), "each by its name in the language of the page"
    assert '<h1 lang="en" dir="ltr">A letter to the Minister' in page
    assert re.search(r'<article [^>]*lang="en" dir="ltr"', page)
    own = client.get("/").content.decode()
    assert '<p class="language-note">' not in own and "<h1>A letter" in own, (
        "nothing is said where all is as it should be"
    )


def test_a_translation_says_so_and_links_to_the_authoritative_text(client: Client, korean: Translation) -> None:
    page = client.get("/ko/").content.decode()
    assert "다리에 관한 편지" in page and "<h1>" in page
    marks = re.search(r'<p class="language-note">.*?</p>', page, re.DOTALL)
    assert marks is not None and '<a href="/letters/bridge/" hreflang="en">' in marks[0]
    assert "<strong>" in marks[0], "it is an unofficial draft"
    assert '<p class="language-note">' not in client.get("/").content.decode()
    assert "다리" not in client.get("/zh-hant/").content.decode(), "the authoritative text where there is no other"


def test_an_authoritative_text_cannot_be_an_unofficial_draft(letter: Letter) -> None:
    with pytest.raises(IntegrityError, match="an_authoritative_text_is_official"), transaction.atomic():
        revise(letter, "en", {**WORDS, "title": "A draft"}, authoritative=True, unofficial=True)


def test_details_of_a_translation_are_not_part_of_the_digest(letter: Letter) -> None:
    official = revise(letter, "ko", WORDS).digest
    assert revise(letter, "ko", WORDS, unofficial=True, recipient="장관님").digest == official


def test_a_text_names_the_recipient_in_its_own_language(client: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "다리에 관한 편지"}, recipient="교량부 장관"))
    page = client.get("/ko/letters/bridge/").content.decode()
    assert page.count("교량부 장관") >= 3, "in the description, for networks, and above the form"
    assert "the Minister of Bridges" not in page
    assert "the Minister of Bridges" in client.get("/zh-hant/letters/bridge/").content.decode()


@pytest.fixture
def shipped(db: None) -> Letter:
    call_command("load_letter", stdout=StringIO())
    return Letter.objects.get()


def test_the_shipped_letter_is_published_in_english_only(shipped: Letter) -> None:
    rows = [
        (row.language, row.authoritative, row.unofficial, row.published_at is not None)
        for row in Translation.objects.order_by("language")
    ]
    assert rows == [
        ("en", True, False, True),
        ("ko", False, True, False),
        ("zh-hans", False, True, False),
        ("zh-hant", False, True, False),
    ]


def test_the_shipped_drafts_are_complete(shipped: Letter) -> None:
    english = Translation.objects.get(language="en")
    for draft in Translation.objects.exclude(language="en"):
        shape = [(block.kind, len(block.lines)) for block in text.blocks(draft.body)]
        assert shape == [(block.kind, len(block.lines)) for block in text.blocks(english.body)], draft.language
        names = [(person["name"], len(person["titles"])) for person in draft.signatories]
        assert names == [(person["name"], len(person["titles"])) for person in english.signatories]
        years = re.findall(r"\b(?:1951|2004|200|47)", english.body)
        assert sorted(re.findall(r"1951|2004|200(?!4)|47", draft.body)) == sorted(years)
        assert "UNHCR" in draft.body and "refugees sur place" in draft.body and "songbun" in draft.body


def test_a_draft_is_not_public_until_staff_publish_it(shipped: Letter, client: Client, editor: Any) -> None:
    draft = Translation.objects.get(language="ko")
    everywhere = ["/", "/letters/xi-jinping-2013/", "/letters/xi-jinping-2013/history/", "/privacy/"]
    for path in [f"{prefix}{path}" for prefix in PREFIX.values() for path in everywhere]:
        page = client.get(path).content.decode()
        assert draft.title not in page and draft.digest not in page and draft.salutation not in page, path

    moderator_client = Client()
    moderator_client.force_login(editor)
    queue = moderator_client.get("/admin/campaign/translation/").content.decode()
    assert "column-unofficial" in queue
    publish_by_page(moderator_client, draft)

    text_cache.clear_cache()
    middleware.page_cache.clear()
    page = client.get("/ko/").content.decode()
    assert draft.title in page and 'hreflang="en">' in page
    assert re.search(r'<p class="language-note">\s*<strong>', page), "it is still an unofficial draft, and says so"
    assert draft.title not in client.get("/").content.decode()
    call_command("load_letter", stdout=StringIO())
    assert Translation.objects.count() == 4, "loading again leaves alone what staff published"


# Numbers, days, countries


@pytest.mark.parametrize(
    ("code", "day", "number"),
    [
        ("en", "Nov. 5, 2026", "1,234,567"),
        ("ko", "2026년 11월 5일", "1,234,567"),
        ("zh-hans", "2026年11月5日", "1,234,567"),
        ("zh-hant", "2026年11月5日", "1,234,567"),
    ],
)
def test_days_and_numbers_are_written_as_each_language_does(
    client: Client, letter: Letter, code: str, day: str, number: str
) -> None:
    letter.goal, letter.state = 1234567, Letter.State.CLOSED
    letter.closes_at = timezone.now().replace(year=2026, month=11, day=5)
    letter.save()
    page = client.get(f"{PREFIX[code]}/").content.decode()
    assert day in page and number in page
    assert 'max="1234567"' in page, "what a program reads has no separators"


IN_ORDER = {  # of Hangul, of pinyin, of strokes
    "ko": ["가나", "나미비아", "대만", "대한민국", "라오스", "영국", "홍콩"],
    "zh-hans": ["阿尔巴尼亚", "澳大利亚", "冰岛", "朝鲜", "德国", "韩国", "台湾", "香港", "中国"],
    "zh-hant": ["土耳其", "中國", "日本", "北韓", "台灣", "印度", "法國", "香港", "澳門", "蘇丹"],
}


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("en", {"TW": "Taiwan", "HK": "Hong Kong", "KR": "South Korea", "KP": "North Korea"}),
        ("ko", {"TW": "대만", "HK": "홍콩", "KR": "대한민국", "SC": "세이셸"}),
        ("zh-hans", {"TW": "台湾", "HK": "香港", "KR": "韩国"}),
        ("zh-hant", {"TW": "台灣", "HK": "香港", "KR": "南韓", "GL": "格陵蘭"}),
    ],
)
def test_countries_have_their_common_names_in_the_language_of_the_page(
    client: Client, letter: Letter, code: str, named: dict[str, str]
) -> None:
    page = client.get(f"{PREFIX[code]}/").content.decode()
    options = dict(re.findall(r'<option value="([A-Z]{2})">([^<]+)</option>', page))
    assert len(options) > 240
    assert {country: options[country] for country in named} == named
    assert len(set(options.values())) == len(options), "no two of the same name"
    assert [name for name in options.values() if name != name.strip() or re.search(r"\d", html.unescape(name))] == []
    if code != "en":
        assert [name for name in options.values() if name in IN_ORDER[code]] == IN_ORDER[code]
        assert [name for name in options.values() if re.fullmatch(r"[\x00-\x7f]+", name)] == []


# A language that nobody speaks

WORDLESS = ("SHA-256", "Ada Lovelace", "XX", "ada@gmail.com", *links.NETWORKS)  # terms, the cast, what was typed


def test_every_string_of_every_page_is_translated_in_the_pseudo_locale(
    client: Client, pseudo_locale_letter: Letter, ada: Signature, ben: Submission, cleo: Signature
) -> None:
    make_delivery(pseudo_locale_letter)
    for rows in (Signature.objects, Submission.objects):
        rows.update(language=pseudo.CODE)
    found = {}
    for name, answer in every_page(client, pseudo_locale_letter, ada, ben, cleo):
        page = answer if isinstance(answer, str) else answer.content.decode()
        assert f'<html lang="{pseudo.CODE}" dir="rtl">' in page, name
        found[name] = pseudo.untranslated(page, *WORDLESS)
    assert {"delivery", "entry", "unsubscribe"} < found.keys() and len(found) > 25
    plain = [f"{name}: {words}" for name, lines in found.items() for words in lines]
    assert not plain, "\n".join(plain)


def every_page(
    client: Client, letter: Letter, ada: Signature, ben: Submission, cleo: Signature
) -> Iterator[tuple[str, Any]]:
    """The public pages by the name of their address, then in their other states."""
    home = f"/{pseudo.CODE}"
    again = make_submission(letter, ada.name, address_hash=ada.address_hash, language=pseudo.CODE)
    for name in names_of(get_resolver().url_patterns):
        routes: tuple[dict[str, Any], ...] = (
            {},
            {"slug": letter.slug},
            {"slug": letter.slug, "public_id": ada.public_id},
            {"slug": letter.slug, "number": 1},
            {"color": "7a1f1f"},
            {"digest": "0" * 64},
            {"token": (tokens.unsubscribe_token if name == "unsubscribe" else tokens.personal_token)(ada.public_id)},
        )
        address = reverse(name, kwargs=next(route for route in routes if fits(name, route)))
        answer = client.get(home + address)
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            yield name, answer
    for name, path in {
        "nothing there": "/nothing/",
        "broken link": "/signature/x/",
        "search": f"/letters/{letter.slug}/signatories/?q=Nobody",
        "submission": f"/signature/{tokens.personal_token(ben.public_id)}/",
        "signed already": f"/signature/{tokens.personal_token(again.public_id)}/",
        "waiting": f"/signature/{tokens.personal_token(cleo.public_id)}/",
    }.items():
        yield name, client.get(home + path)
    for name, path, typed in (
        ("empty form", f"/letters/{letter.slug}/sign/", {}),
        ("wrong form", f"/letters/{letter.slug}/sign/", {"name": "<", "email": "x", "visibility": "public", "role": "a\u202eb", "comment": "x" * 1001, "country": "XX"}),
        ("slip", f"/letters/{letter.slug}/sign/", {"email": "ada@gmial.com"}),
        ("no address", f"/letters/{letter.slug}/my-link/", {"email": "x"}),
        ("no words", f"/signature/{tokens.personal_token(ben.public_id)}/", {"action": "confirm"}),
        ("no choice", f"/signature/{tokens.personal_token(again.public_id)}/", {"action": "ask"}),
        ("no receipt", f"/deliveries/{letter.slug}/1/", {"proof": "{}"}),
        ("withdrawn", f"/signature/{tokens.personal_token(cleo.public_id)}/", {"action": "withdraw"}),
        ("gone", f"/signature/{tokens.personal_token(cleo.public_id)}/", {"action": "erase"}),
    ):  # fmt: skip
        answer = client.post(home + path, typed)
        yield name, answer if answer.status_code != 303 else client.get(answer["Location"])
    with translation.override(pseudo.CODE):
        for name in ("400", "403", "429", "500", "503"):
            yield name, render_to_string(f"{name}.html", request=RequestFactory().get(f"{home}/"))
    for state in (Letter.State.PAUSED, Letter.State.CLOSED):
        letter.state = state
        letter.save()
        text_cache.clear_cache()
        middleware.page_cache.clear()
        yield state, client.get(f"{home}/")


def test_every_string_of_every_email_to_signers_is_translated_in_the_pseudo_locale(
    pseudo_locale_letter: Letter, ada: Signature, ben: Submission
) -> None:
    for name in ("link", "links", "question", "reminder", "update"):
        words = {
            "delivery": make_delivery(pseudo_locale_letter),
            "standing": [ada],
            "entries": [("x", ada), ("y", ben)],
        }
        mail = rendering.build_message(name, to="ada@example.org", language=pseudo.CODE, context=words)
        page = str(mail.alternatives[0][0])
        assert pseudo.untranslated(page) == [], name
        plain = re.sub(r"\S+@\S+|https?://\S+", "", f"{mail.subject}{mail.body}")
        assert re.findall(r"[A-Za-z]{2,}", plain) == [], name
