"""Readers tell others: by plain links that load nothing, with a picture that is drawn here, and without themselves."""

import re
import struct
import threading
import time
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from campaign.web import middleware
from signatures.delivery import pdf
from signatures.models import Signature
from signatures.sharing import share_image, views
from signatures.states import State
from signatures.values import tokens
from tests.factories import WORDS, make_signature

pytestmark = pytest.mark.django_db
ADDRESS = "http://localhost:8000/letters/bridge/"
PICTURE = "/letters/bridge/picture.png"
ATTACK = "<script>alert(1)</script>\"'>{{7*7}}{% load x %} & #set $x$ \\u{0}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing drawn yet, nothing failed yet."""
    monkeypatch.setattr(views, "CARDS", tmp_path / "cards")
    share_image._failed.clear()
    return tmp_path / "cards"


class Page(HTMLParser):
    """What a browser finds: links that lead away, what a button copies, what networks read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.away: list[dict[str, str]] = []
        self.mails: list[str] = []
        self.copied: list[str] = []
        self.tags: list[str] = []
        self.told: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        if found.get("href", "").startswith("https:"):
            self.away.append(found)
        if found.get("href", "").startswith("mailto:?"):
            self.mails.append(found["href"])
        if "data-copy" in found:
            assert "hidden" in found, "without script the button would do nothing"
            self.copied.append(found["data-copy"])
        if tag == "meta":
            name = found.get("property") or found.get("name", "")
            self.told.setdefault(name, []).append(found.get("content", ""))


def page_of(client: Client, address: str) -> Page:
    return Page(client.get(address).content.decode())


def fields_of(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query, strict_parsing=True)


def test_the_letter_can_be_handed_on_in_the_usual_ways(client: Client, letter: Letter) -> None:
    page = page_of(client, "/letters/bridge/")
    assert page.copied == [ADDRESS]
    (mail,) = page.mails
    assert fields_of(mail)["subject"] == [WORDS["title"]]
    assert fields_of(mail)["body"][0].endswith(f"\r\n\r\n{ADDRESS}")
    hosts = {urlsplit(link["href"]).hostname for link in page.away}
    assert len(hosts) == len(page.away) == 7
    for link in page.away:
        assert any(ADDRESS in value for values in fields_of(link["href"]).values() for value in values), link["href"]
        assert link["rel"] == "noopener noreferrer external"


@pytest.mark.parametrize("address", ["/", "/letters/bridge/", "/letters/bridge/check-mail/", "/letters/bridge/tell/"])
def test_what_is_handed_on_is_the_letter_in_the_language_of_the_page(
    client: Client, letter: Letter, address: str
) -> None:
    assert page_of(client, address).copied[0] == ADDRESS
    assert page_of(client, f"/ko{address}").copied[0] == ADDRESS.replace("/letters", "/ko/letters")


@pytest.mark.parametrize("state", [State.WAITING, State.APPROVED])
def test_a_personal_link_is_never_handed_on(client: Client, letter: Letter, state: State) -> None:
    row = make_signature(letter, "Dora", state)
    token = tokens.personal_token(row.public_id)
    page = page_of(client, f"/signature/{token}/")
    assert page.copied == [ADDRESS] and len(page.away) == 7
    for handed_on in (*page.copied, *page.mails, *(link["href"] for link in page.away)):
        assert "signature" not in handed_on and token not in handed_on and "Dora" not in handed_on
    assert not [name for name in page.told if name.startswith(("og:", "twitter:"))]


@pytest.mark.parametrize("state", [State.UNCONFIRMED, State.WITHDRAWN, State.REJECTED])
def test_who_has_nothing_to_tell_is_not_asked_to(client: Client, letter: Letter, state: State) -> None:
    row = make_signature(letter, "Dora", state)
    assert page_of(client, f"/signature/{tokens.personal_token(row.public_id)}/").copied == []


def test_networks_are_told_of_the_letter_and_its_picture(client: Client, letter: Letter) -> None:
    told = page_of(client, "/ko/").told
    assert told["og:title"] == told["og:image:alt"] == [WORDS["title"]]
    assert told["og:url"] == ["http://localhost:8000/ko/letters/bridge/"]
    assert told["og:image"] == ["http://localhost:8000/ko/letters/bridge/picture.png"]
    assert (told["og:image:width"], told["og:image:height"]) == (["1200"], ["630"])
    assert told["og:site_name"] == ["Committee for Bridges"] and told["og:type"] == ["article"]
    assert told["og:locale"] == ["ko_KR"]
    assert set(told["og:locale:alternate"]) == {"en_GB", "zh_CN", "zh_TW"}
    assert told["twitter:card"] == ["summary_large_image"]
    assert "the Minister of Bridges" in told["og:description"][0]


def test_no_page_with_a_name_is_told_to_networks(client: Client, ada: Signature) -> None:
    for address in ("signatories/", f"signatories/{ada.public_id}/"):
        told = page_of(client, f"/letters/bridge/{address}").told
        assert not [name for name in told if name.startswith(("og:", "twitter:"))], address


def test_S14_a_title_stays_a_title_wherever_it_is_handed_on(client: Client, letter: Letter) -> None:
    publish(revise(letter, "en", {**WORDS, "title": ATTACK}, authoritative=True))
    page = page_of(client, "/letters/bridge/")
    assert page.tags.count("script") == 1, "our own"
    assert page.told["og:title"] == [ATTACK]
    assert fields_of(page.mails[0])["subject"] == [ATTACK]
    titles = [fields_of(link["href"]).get("text") or fields_of(link["href"]).get("title") for link in page.away]
    assert [ATTACK] in titles and [f"{ATTACK}\n{ADDRESS}"] in titles


def size_of(picture: bytes) -> tuple[int, int]:
    """Of a PNG whose every part is whole."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    at, size, kinds = 8, (0, 0), []
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at : at + 8])
        data = picture[at + 8 : at + 8 + length]
        assert struct.unpack(">I", picture[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        size = struct.unpack(">II", data[:8]) if kind == b"IHDR" else size
        kinds.append(kind)
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND"
    return size


PLAIN = (Path(settings.BASE_DIR) / "static" / "img" / "share_image.png").read_bytes()


def test_the_picture_is_drawn_once_and_kept(
    client: Client, letter: Letter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get(PICTURE)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["Cache-Control"] == "public, max-age=3600" or answer["Cache-Control"] == "max-age=3600, public"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin" and not answer.cookies
    assert size_of(answer.content) == (1200, 630) == size_of(PLAIN)
    assert answer.content != PLAIN
    (file,) = folder.iterdir()
    assert file.read_bytes() == answer.content
    assert client.get(PICTURE, headers={"if-none-match": answer["ETag"]}).status_code == 304
    middleware.page_cache.clear()
    monkeypatch.setattr(pdf, "render_share_image", lambda *_, **__: pytest.fail("it was drawn twice"))
    assert client.get(PICTURE).content == answer.content
    make_signature(letter, "Newcomer")
    middleware.page_cache.clear()
    assert client.get(PICTURE).content == answer.content, "it tells of nobody who signed"


def test_another_text_or_language_has_another_picture(client: Client, letter: Letter, folder: Path) -> None:
    pictures = [client.get(PICTURE).content]
    publish(revise(letter, "ko", {**WORDS, "title": "다리 장관께 드리는 서한"}))
    text_cache.clear_cache()
    pictures.append(client.get(f"/ko{PICTURE}").content)
    publish(revise(letter, "en", {**WORDS, "title": "A second letter"}, authoritative=True))
    text_cache.clear_cache()
    middleware.page_cache.clear()
    pictures.append(client.get(PICTURE).content)
    assert len(set(pictures)) == len(list(folder.iterdir())) == 3 and PLAIN not in pictures


CARD = pdf.ShareImage("A letter", ("To her",), "House", "en")


@pytest.mark.parametrize(
    ("title", "language"),
    [
        (ATTACK, "en"), ("중국으로 탈출하는 북한 주민에 관하여", "ko"), ("就逃往中國的北韓人致主席的信", "zh-hant"), ("رسالة مفتوحة", "ar"),
        ("W" * 200, "en"), ("다" * 200, "ko"), ("a word " * 28, "en"),
    ],
)  # fmt: skip
def test_S14_any_title_in_any_script_is_drawn_as_it_stands(tmp_path: Path, title: str, language: str) -> None:
    pdf.render_share_image(pdf.ShareImage(title, ("To him", ATTACK), ATTACK, language), out=tmp_path / "it.png")
    assert size_of((tmp_path / "it.png").read_bytes()) == (1200, 630)
    assert [file.name for file in tmp_path.iterdir()] == ["it.png"], "nothing else is left"


def test_a_letter_without_a_glyph_gets_the_plain_mark(client: Client, letter: Letter, folder: Path) -> None:
    publish(revise(letter, "en", {**WORDS, "title": "A \U000f0000 of our own"}, authoritative=True))
    answer = client.get(PICTURE)
    assert answer.content == PLAIN and answer["Content-Type"] == "image/png"
    assert "max-age=5" in answer["Cache-Control"], "asked again soon"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [pdf.PdfFailed("no"), OSError(28, "no space left")])
def test_a_failure_gives_the_plain_mark_and_is_not_tried_again_at_once(
    client: Client, letter: Letter, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    tries = []

    def fails(*_: Any, **__: Any) -> None:
        tries.append(1)
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(pdf, "render_share_image", fails)
        for _ in range(5):
            middleware.page_cache.clear()
            assert client.get(PICTURE).content == PLAIN
        assert len(tries) == 1
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + share_image.RETRY_AFTER_SECONDS)
    middleware.page_cache.clear()
    assert client.get(PICTURE).content != PLAIN, "later it is tried again"


def test_where_pictures_cannot_be_kept_there_is_the_plain_mark(
    client: Client, letter: Letter, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(views, "CARDS", tmp_path / "file")
    assert client.get(PICTURE).content == PLAIN


def test_a_flood_starts_one_drawing_and_keeps_few_threads_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing, go_on = threading.Event(), threading.Event()
    drawn, answers = [], []

    def slowly(card: pdf.ShareImage, *, out: Path, fonts: Any) -> None:
        drawing.set()
        assert go_on.wait(10)
        drawn.append(card)
        out.write_bytes(b"picture")

    monkeypatch.setattr(pdf, "render_share_image", slowly)
    threads = [
        threading.Thread(target=lambda: answers.append(share_image.cached_image(CARD, folder=tmp_path)))
        for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    assert drawing.wait(10)
    for _ in range(1_000):
        if len(answers) == 100 - share_image.MAX_WAITING:
            break
        go_on.wait(0.01)
    assert answers == [None] * (100 - share_image.MAX_WAITING), "who need not wait got the plain mark at once"
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(drawn) == 1
    assert answers[-share_image.MAX_WAITING :] == [b"picture"] * share_image.MAX_WAITING


def test_who_waits_too_long_gets_the_plain_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share_image, "WAIT_SECONDS", 0.01)
    with share_image._pen:
        assert share_image.cached_image(CARD, folder=tmp_path) is None
    assert share_image.cached_image(CARD, folder=tmp_path) is not None


def test_there_is_no_picture_of_a_letter_that_nobody_may_read(client: Client, letter: Letter) -> None:
    Letter.objects.update(state=Letter.State.DRAFT)
    for page in ("picture.png", "embed/", "tell/", "api/"):
        assert client.get(f"/letters/bridge/{page}").status_code == 404, page


def test_every_page_leads_to_telling_others(client: Client, letter: Letter) -> None:
    for address in ("/", "/privacy/", "/letters/bridge/history/"):
        page = client.get(address).content.decode()
        assert re.search(r'<footer.*href="/letters/bridge/tell/"', page, re.DOTALL), address
