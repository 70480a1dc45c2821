"""The embed shows title, count and a link to the letter in a frame of another site. No other page may be framed."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import get_resolver, reverse

from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from campaign.web import middleware
from signatures.models import Signature
from signatures.values import tokens
from tests.delivery.factories import make_delivery
from tests.factories import WORDS, make_signature
from tests.test_everything import fits, names_of

pytestmark = pytest.mark.django_db
EMBED, SHARE_PAGE = "/letters/bridge/embed/", "/letters/bridge/tell/"


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_the_embed_shows_title_count_goal_and_a_link_to_the_letter(
    client: Client, letter: Letter, ada: Signature
) -> None:
    page = text_of(client, EMBED)
    assert "<h1>A letter to the Minister of Bridges</h1>" in page
    assert "<strong>1</strong> person has signed" in page and "Goal: 1,000" in page
    assert '<progress max="1000" value="1"' in page
    assert 'href="http://localhost:8000/letters/bridge/" target="_blank" rel="noopener">Read and sign</a>' in page
    assert "Ada" not in page, "no name is embedded"
    assert f'href="http://localhost:8000/ko{EMBED[:-6]}"' in text_of(client, f"/ko{EMBED}")


def test_a_title_has_the_direction_of_its_language(client: Client, db: None) -> None:
    letter = Letter.objects.create(slug="bridge", recipient="the Minister of Bridges")
    publish(revise(letter, "ar", {**WORDS, "title": "جسر!"}, authoritative=True))
    for address in (EMBED, SHARE_PAGE):
        assert ' lang="ar" dir="rtl">جسر!</' in text_of(client, address), address


@pytest.mark.parametrize("state", [Letter.State.PAUSED, Letter.State.CLOSED])
def test_a_letter_that_is_not_open_has_a_link_to_read_it(client: Client, letter: Letter, state: Letter.State) -> None:
    letter.state = state
    letter.save()
    page = text_of(client, EMBED)
    assert "Read the letter" in page and "Read and sign" not in page
    has_ended = state == Letter.State.CLOSED
    assert ("Signing has ended" in page, "Goal" in page, "<progress" in page) == (
        has_ended,
        not has_ended,
        not has_ended,
    )


def test_without_a_goal_there_is_no_progress_bar(client: Client, letter: Letter) -> None:
    Letter.objects.update(goal=0)
    page = text_of(client, EMBED)
    assert "<progress" not in page and "Goal" not in page


def test_the_count_is_fresh_and_a_cached_embed_makes_no_query(
    client: Client, letter: Letter, monkeypatch: Any, django_assert_num_queries: Any
) -> None:
    first = client.get(EMBED)
    with django_assert_num_queries(0):
        again = client.get(EMBED, headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    make_signature(letter, "Newcomer")
    monkeypatch.setattr(middleware, "FRESH_SECONDS", 0.0)
    assert "<strong>1</strong>" in text_of(client, EMBED)


def test_the_embed_has_no_script_form_cookie_or_foreign_resource(client: Client, letter: Letter) -> None:
    answer = client.get(EMBED)
    page = answer.content.decode()
    for word in ("<form", "<button", "<input", "<script", "<iframe", " style=", "http-equiv", "onclick"):
        assert word not in page, word
    assert not answer.cookies
    policy = set(answer["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors *",
    }
    assert re.findall(r'href="([^"]+)"', page) == [
        "/static/css/embed.css",
        "/static/img/mark.svg",
        f"{settings.SITE_URL}/letters/bridge/",
        f"mailto:{settings.CONTACT_EMAIL}",
    ]


def test_the_embed_transfers_less_than_ten_kilobytes(client: Client, letter: Letter) -> None:
    """Compressed with gzip, with all header lines, and with the longest possible title in Hangul."""
    publish(revise(letter, "ko", {**WORDS, "title": "다리 장관께 드리는 " * 18}))
    answer = client.get(f"/ko{EMBED}", headers={"accept-encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    sheet = finders.find("css/embed.css")
    assert isinstance(sheet, str)
    styled = len(gzip.compress(Path(sheet).read_bytes()))
    lines = sum(len(f"{name}: {value}\r\n") for name, value in answer.items())
    assert len(answer.content) + lines + styled + 1_000 < 10_000


def test_only_the_embed_may_be_framed(client: Client, ada: Signature) -> None:
    """Every address of the site, in two languages, and error pages."""
    make_delivery(ada.letter)
    token, leaving = tokens.personal_token(ada.public_id), tokens.unsubscribe_token(ada.public_id)
    addresses_by_name: dict[str, list[str]] = {"": ["/nowhere/", "/letters/nix/embed/", "/admin/login/", "/healthz"]}
    for name in names_of(get_resolver().url_patterns):
        for kwargs in ({}, {"slug": "bridge"}, {"slug": "bridge", "public_id": ada.public_id}, {"slug": "bridge", "number": 1},
                       {"token": leaving if name == "no-updates" else token}):  # fmt: skip
            if fits(name, kwargs):
                address = reverse(name, kwargs=kwargs)
                addresses_by_name[name] = (
                    [address] if name in {"ready", "robots", "api"} else [address, f"/ko{address}"]
                )
                break
    assert len(addresses_by_name) > 15
    for name, addresses in addresses_by_name.items():
        for address in addresses:
            answer = client.get(address)
            may_be_framed = name == "embed"
            assert ("X-Frame-Options" not in answer) == may_be_framed, address
            assert ("frame-ancestors *" in answer["Content-Security-Policy"]) == may_be_framed, address
            assert ("frame-ancestors 'none'" in answer["Content-Security-Policy"]) != may_be_framed, address


def colors_of(sheet: str) -> list[dict[str, str]]:
    """Returns the custom properties that are colors: of the light theme, then of the dark one."""
    text = (Path(settings.BASE_DIR) / "static" / "css" / sheet).read_text(encoding="utf-8")
    roots = re.findall(r":root\s*{([^}]*)}", text)[:2]
    return [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]+)", root)) for root in roots]


def test_the_embed_has_the_colors_of_the_site() -> None:
    (light, dark), (site_light, site_dark) = colors_of("embed.css"), colors_of("site.css")
    assert len(light) == len(dark) == 6
    assert light.items() <= site_light.items() and dark.items() <= site_dark.items()


def test_a_site_that_demands_cross_origin_opt_in_may_frame_the_embed(client: Client, letter: Letter) -> None:
    answer = client.get(EMBED)
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert '<link rel="stylesheet" href="/static/css/embed.css" crossorigin="anonymous">' in answer.content.decode()


class PastedCode(HTMLParser):
    """The tags that a browser finds in pasted code."""

    def __init__(self, lines: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(lines)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


class ShownCode(HTMLParser):
    """The text of the first `<pre>`, and what copy buttons copy."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside, self.lines, self.copied = False, "", [""]
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside |= tag == "pre"
        self.copied += [value or "" for name, value in attributes if name == "data-copy"]

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag != "pre"

    def handle_data(self, data: str) -> None:
        self.lines += data if self.inside else ""


@pytest.mark.parametrize(
    "title", [WORDS["title"], '</code></pre><script>alert(1)</script>" onload="x\' {{7*7}} {% load x %}']
)
def test_S14_the_embed_code_is_one_iframe_whatever_the_title(client: Client, letter: Letter, title: str) -> None:
    publish(revise(letter, "en", {**WORDS, "title": title}, authoritative=True))
    for address in (EMBED, SHARE_PAGE):
        page = text_of(client, address)
        assert "<script>alert" not in page and ("{{7*7}}" in page) == ("{{7*7}}" in title)
    shown = ShownCode(page)
    assert shown.lines in shown.copied
    ((tag, attributes),) = PastedCode(shown.lines).tags
    assert tag == "iframe"
    assert attributes.pop("height", "").isdecimal()  # type: ignore[union-attr]  # it is there
    assert attributes == {
        "src": f"http://localhost:8000{EMBED}", "title": title, "width": "100%", "loading": "lazy",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox", "style": "border:0;max-width:40rem",
    }  # fmt: skip
