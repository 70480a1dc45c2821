"""The sitemap and robots.txt."""

import re

import pytest
from django.conf import settings
from django.test import Client

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from signatures.models import Signature
from tests.factories import WORDS, make_letter
from tests.languages import PREFIXES

pytestmark = pytest.mark.django_db


def test_the_sitemap_lists_each_page_in_its_languages_with_alternates(client: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "편지"}))
    publish(revise(letter, "de", {**WORDS, "title": "in a language that no page of the site is in, but the letter"}))
    revise(letter, "zh-hans", {**WORDS, "title": "a draft"})
    make_letter("hidden", state=Letter.State.DRAFT)
    answer = client.get("/sitemap.xml", headers={"host": "127.0.0.1"})
    page, site = answer.content.decode(), settings.SITE_URL
    assert answer["Content-Type"] == "application/xml" and "public" in answer["Cache-Control"]
    wanted = [f"{site}{prefix}/letters/bridge/{end}" for prefix in ("", "/ko") for end in ("", "history/")]
    wanted += [f"{site}/de/letters/bridge/"]
    notices = ("/privacy/", "/help/", "/accessibility/", "/letters/bridge/privacy/")
    wanted += [f"{site}{prefix}{notice}" for prefix in PREFIXES for notice in notices]
    assert sorted(re.findall(r"<loc>([^<]+)</loc>", page)) == sorted(wanted)
    alternate = '<xhtml:link rel="alternate" hreflang="{}" href="{}"/>'
    assert alternate.format("ko", f"{site}/ko/letters/bridge/") in page
    assert alternate.format("de", f"{site}/de/letters/bridge/") in page
    assert alternate.format("x-default", f"{site}/letters/bridge/") in page


def test_a_language_stays_listed_when_another_gets_a_new_wording(client: Client, letter: Letter) -> None:
    publish(revise(letter, "ko", {**WORDS, "title": "편지"}))
    publish(revise(letter, "en", {**WORDS, "title": "Once more"}, authoritative=True))
    assert "/ko/letters/" in client.get("/sitemap.xml").content.decode()


def test_P5_the_sitemap_has_no_name_and_robots_txt_leads_to_it(client: Client, ada: Signature) -> None:
    page = client.get("/sitemap.xml").content.decode()
    assert "signatories" not in page and str(ada.public_id) not in page
    robots = client.get("/robots.txt").content.decode()
    assert f"\nSitemap: {settings.SITE_URL}/sitemap.xml\n" in robots
