"""Readers share the letter by plain links that load nothing, with an image drawn here, and without their own data."""

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
from PIL import Image

from campaign.letters import text_cache
from campaign.letters.publishing import publish, revise
from campaign.models import Letter
from campaign.web import middleware
from signatures.delivery import pdf
from signatures.models import Signature
from signatures.sharing import made_once, share_image
from signatures.states import State
from signatures.values import tokens
from tests.factories import WORDS, make_signature, make_submission

pytestmark = pytest.mark.django_db
ADDRESS = "http://localhost:8000/letters/bridge/"
IMAGE_ADDRESS = "/letters/bridge/picture.png"
ATTACK = "<script>alert(1)</script>\"'>{{7*7}}{% load x %} & #set $x$ \\u{0}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache without failures."""
    monkeypatch.setattr(share_image._images, "folder", tmp_path / "share-images")
    share_image._images.failed.clear()
    return tmp_path / "share-images"


class Page(HTMLParser):
    """External links, email links, what copy buttons copy, and the meta tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.external_links: list[dict[str, str]] = []
        self.email_links: list[str] = []
        self.copy_targets: list[str] = []
        self.tags: list[str] = []
        self.meta: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        if found.get("href", "").startswith("https:"):
            self.external_links.append(found)
        if found.get("href", "").startswith("mailto:?"):
            self.email_links.append(found["href"])
        if "data-copy" in found:
            assert "hidden" in found, "without script the button would do nothing"
            self.copy_targets.append(found["data-copy"])
        if tag == "meta":
            name = found.get("property") or found.get("name", "")
            self.meta.setdefault(name, []).append(found.get("content", ""))


def page_of(client: Client, address: str) -> Page:
    return Page(client.get(address).content.decode())


def fields_of(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query, strict_parsing=True)


def test_the_letter_can_be_shared_by_link_email_and_networks(client: Client, letter: Letter) -> None:
    page = page_of(client, "/letters/bridge/")
    assert page.copy_targets == [ADDRESS]
    (mail,) = page.email_links
    assert fields_of(mail)["subject"] == [WORDS["title"]]
    assert fields_of(mail)["body"][0].endswith(f"\r\n\r\n{ADDRESS}")
    hosts = {urlsplit(link["href"]).hostname for link in page.external_links}
    assert len(hosts) == len(page.external_links) == 7
    for link in page.external_links:
        assert any(ADDRESS in value for values in fields_of(link["href"]).values() for value in values), link["href"]
        assert link["rel"] == "noopener noreferrer external"


@pytest.mark.parametrize("address", ["/", "/letters/bridge/", "/letters/bridge/tell/"])
def test_the_shared_link_has_the_language_of_the_page(client: Client, letter: Letter, address: str) -> None:
    assert page_of(client, address).copy_targets[0] == ADDRESS
    assert page_of(client, f"/ko{address}").copy_targets[0] == ADDRESS.replace("/letters", "/ko/letters")


@pytest.mark.parametrize("state", [State.WAITING, State.APPROVED])
def test_a_personal_link_is_never_shared(client: Client, letter: Letter, state: State) -> None:
    row = make_signature(letter, "Dora", state)
    token = tokens.personal_token(row.public_id)
    page = page_of(client, f"/signature/{token}/")
    assert page.copy_targets == [ADDRESS] and len(page.external_links) == 7
    for handed_on in (*page.copy_targets, *page.email_links, *(link["href"] for link in page.external_links)):
        assert "signature" not in handed_on and token not in handed_on and "Dora" not in handed_on
    assert not [name for name in page.meta if name.startswith(("og:", "twitter:"))]


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.REJECTED])
def test_signers_who_are_not_part_of_it_see_no_share_links(client: Client, letter: Letter, state: State) -> None:
    for row in (make_signature(letter, "Dora", state), make_submission(letter, "Not confirmed")):
        assert page_of(client, f"/signature/{tokens.personal_token(row.public_id)}/").copy_targets == []


def test_open_graph_describes_the_letter_and_its_share_image(client: Client, letter: Letter) -> None:
    for language in ("ko", "zh-hans"):
        publish(revise(letter, language, WORDS))
    meta = page_of(client, "/ko/").meta
    assert meta["og:title"] == meta["og:image:alt"] == [WORDS["title"]]
    assert meta["og:url"] == ["http://localhost:8000/ko/letters/bridge/"]
    assert meta["og:image"] == ["http://localhost:8000/ko/letters/bridge/picture.png"]
    assert (meta["og:image:width"], meta["og:image:height"]) == (["1200"], ["630"])
    assert meta["og:site_name"] == ["Committee for Bridges"] and meta["og:type"] == ["article"]
    assert meta["og:locale"] == ["ko_KR"]
    assert set(meta["og:locale:alternate"]) == {"en_GB", "zh_CN"}, "no version that is not there"
    assert meta["twitter:card"] == ["summary_large_image"]
    assert "the Minister of Bridges" in meta["og:description"][0]


def test_pages_with_names_have_no_open_graph(client: Client, ada: Signature) -> None:
    for address in ("signatories/", f"signatories/{ada.public_id}/"):
        meta = page_of(client, f"/letters/bridge/{address}").meta
        assert not [name for name in meta if name.startswith(("og:", "twitter:"))], address


def test_S14_a_title_is_inert_wherever_it_is_shared(client: Client, letter: Letter) -> None:
    publish(revise(letter, "en", {**WORDS, "title": ATTACK}, authoritative=True))
    page = page_of(client, "/letters/bridge/")
    assert page.tags.count("script") == 1, "our own"
    assert page.meta["og:title"] == [ATTACK]
    assert fields_of(page.email_links[0])["subject"] == [ATTACK]
    titles = [
        fields_of(link["href"]).get("text") or fields_of(link["href"]).get("title") for link in page.external_links
    ]
    assert [ATTACK] in titles and [f"{ATTACK}\n{ADDRESS}"] in titles


def size_of(image: bytes) -> tuple[int, int]:
    """Returns width and height of a PNG, after checking every chunk."""
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    at, size, kinds = 8, (0, 0), []
    while at < len(image):
        length, kind = struct.unpack(">I4s", image[at : at + 8])
        data = image[at + 8 : at + 8 + length]
        assert struct.unpack(">I", image[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + data)
        size = struct.unpack(">II", data[:8]) if kind == b"IHDR" else size
        kinds.append(kind)
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND"
    return size


FALLBACK = (Path(settings.BASE_DIR) / "static" / "img" / "share_image.png").read_bytes()


def test_the_share_image_is_drawn_once_and_cached(
    client: Client, letter: Letter, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get(IMAGE_ADDRESS)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["Cache-Control"] == "public, max-age=3600" or answer["Cache-Control"] == "max-age=3600, public"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin" and not answer.cookies
    assert size_of(answer.content) == (1200, 630) == size_of(FALLBACK)
    assert answer.content != FALLBACK
    (file,) = folder.iterdir()
    assert file.read_bytes() == answer.content
    assert client.get(IMAGE_ADDRESS, headers={"if-none-match": answer["ETag"]}).status_code == 304
    middleware.page_cache.clear()
    monkeypatch.setattr(pdf, "render_share_image", lambda *_, **__: pytest.fail("it was drawn twice"))
    assert client.get(IMAGE_ADDRESS).content == answer.content
    make_signature(letter, "Newcomer")
    middleware.page_cache.clear()
    assert client.get(IMAGE_ADDRESS).content == answer.content, "it shows nobody who signed"


def test_another_text_or_language_has_another_share_image(client: Client, letter: Letter, folder: Path) -> None:
    images = [client.get(IMAGE_ADDRESS).content]
    publish(revise(letter, "ko", {**WORDS, "title": "다리 장관께 드리는 서한"}))
    text_cache.clear_cache()
    images.append(client.get(f"/ko{IMAGE_ADDRESS}").content)
    publish(revise(letter, "en", {**WORDS, "title": "A second letter"}, authoritative=True))
    text_cache.clear_cache()
    middleware.page_cache.clear()
    images.append(client.get(IMAGE_ADDRESS).content)
    assert len(set(images)) == len(list(folder.iterdir())) == 3 and FALLBACK not in images


IMAGE = pdf.ShareImage("A letter", ("To her",), "House", "en")


@pytest.mark.parametrize(
    ("title", "language"),
    [
        (ATTACK, "en"), ("중국으로 탈출하는 북한 주민에 관하여", "ko"), ("就逃往中國的北韓人致主席的信", "zh-hant"), ("رسالة مفتوحة", "ar"),
        ("W" * 200, "en"), ("다" * 200, "ko"), ("a word " * 28, "en"),
    ],
)  # fmt: skip
def test_S14_any_title_in_any_script_is_drawn_verbatim(tmp_path: Path, title: str, language: str) -> None:
    pdf.render_share_image(pdf.ShareImage(title, ("To him", ATTACK), ATTACK, language), out=tmp_path / "it.png")
    assert size_of((tmp_path / "it.png").read_bytes()) == (1200, 630)
    assert [file.name for file in tmp_path.iterdir()] == ["it.png"], "nothing else is left"


def ink_beside_the_edges(image: Image.Image, top: int, bottom: int) -> tuple[int, int]:
    """Returns how far the dark pixels between two heights are from the left and from the right edge."""
    dark = image.convert("L").crop((0, top, image.width, bottom)).point(lambda gray: 255 * (gray < 90))
    box = dark.getbbox()
    assert box is not None
    return box[0], image.width - box[2]


@pytest.mark.parametrize(("title", "language", "is_mirrored"), [("A bridge", "en", False), ("جسر", "ar", True)])
def test_the_title_begins_where_its_language_begins(
    tmp_path: Path, title: str, language: str, *, is_mirrored: bool
) -> None:
    pdf.render_share_image(pdf.ShareImage(title, ("—",), "Us", language), out=tmp_path / "it.png")
    with Image.open(tmp_path / "it.png") as image:
        left, right = ink_beside_the_edges(image, 200, 480)
    assert (right < left) == is_mirrored and min(left, right) == pytest.approx(88, abs=12)


def test_a_title_with_a_missing_glyph_gets_the_fallback_image(client: Client, letter: Letter, folder: Path) -> None:
    publish(revise(letter, "en", {**WORDS, "title": "A \U000f0000 of our own"}, authoritative=True))
    answer = client.get(IMAGE_ADDRESS)
    assert answer.content == FALLBACK and answer["Content-Type"] == "image/png"
    assert "max-age=5" in answer["Cache-Control"], "asked again soon"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("error", [pdf.PdfFailed("no"), OSError(28, "no space left")])
def test_a_failure_gives_the_fallback_image_and_is_retried_later(
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
            assert client.get(IMAGE_ADDRESS).content == FALLBACK
        assert len(tries) == 1
    later = time.monotonic() + made_once.RETRY_AFTER_SECONDS
    monkeypatch.setattr("campaign.runtime.expiring_cache.time.monotonic", lambda: later)
    middleware.page_cache.clear()
    assert client.get(IMAGE_ADDRESS).content != FALLBACK, "later it is tried again"


def test_where_images_cannot_be_cached_there_is_the_fallback_image(
    client: Client, letter: Letter, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(share_image._images, "folder", tmp_path / "file")
    assert client.get(IMAGE_ADDRESS).content == FALLBACK


def test_many_requests_start_one_drawing_and_few_threads_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing, go_on = threading.Event(), threading.Event()
    drawn, answers = [], []

    def slowly(image: pdf.ShareImage, *, out: Path, fonts: Any) -> None:
        drawing.set()
        assert go_on.wait(10)
        drawn.append(image)
        out.write_bytes(b"image")

    monkeypatch.setattr(pdf, "render_share_image", slowly)
    threads = [threading.Thread(target=lambda: answers.append(share_image.cached_image(IMAGE))) for _ in range(100)]
    for thread in threads:
        thread.start()
    assert drawing.wait(10)
    for _ in range(1_000):
        if len(answers) == 100 - made_once.MAX_WAITING:
            break
        go_on.wait(0.01)
    assert answers == [None] * (100 - made_once.MAX_WAITING), "all others got the fallback image at once"
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(drawn) == 1
    assert answers[-made_once.MAX_WAITING :] == [b"image"] * made_once.MAX_WAITING


def test_a_request_that_waits_too_long_gets_the_fallback_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_once, "WAIT_SECONDS", 0.01)
    with share_image._images.making:
        assert share_image.cached_image(IMAGE) is None
    assert share_image.cached_image(IMAGE) is not None


def test_a_draft_letter_has_no_share_image_embed_or_api(client: Client, letter: Letter) -> None:
    Letter.objects.update(state=Letter.State.DRAFT)
    for page in ("picture.png", "embed/", "tell/", "api/"):
        assert client.get(f"/letters/bridge/{page}").status_code == 404, page


def test_every_page_links_to_the_share_page(client: Client, letter: Letter) -> None:
    for address in ("/", "/privacy/", "/letters/bridge/history/"):
        page = client.get(address).content.decode()
        assert re.search(r'<footer.*href="/letters/bridge/tell/"', page, re.DOTALL), address


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("A letter to the Minister of Bridges", "A letter to the Minister of\u00a0Bridges"),
        ("다리에 관한 편지", "다리에 관한\u00a0편지"),
        ("Ein Brief an die Donaudampfschifffahrt", "Ein Brief an die Donaudampfschifffahrt"),  # as long as a line
        ("A letter", "A letter"),
        ("致桥梁部长的信", "致桥梁部长的信"),
    ],
)
def test_the_last_word_of_a_title_is_never_alone_on_a_line(title: str, drawn: str) -> None:
    assert pdf.ShareImage(title, (), "House", "en").as_letter().title == drawn
