"""The public pages as a folder of static files: complete, honest about its day, and with nothing private in it."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock
from signatures.models import Signature
from signatures.signing import withdrawal
from signatures.states import Kind, State, Visibility
from signatures.static_mirror import links, writing
from tests.delivery.factories import make_delivery
from tests.factories import make_letter, make_many, make_signature
from tests.letters.test_news import make_news

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 25)
LANGUAGES = ("", "ko/", "zh-hans/", "zh-hant/")


@pytest.fixture(scope="module")
def statics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def collected(settings: Any, statics: Path) -> None:
    """The static files of this process alone: another one may be collecting its own."""
    settings.STATIC_ROOT = statics
    if not any(statics.iterdir()):
        call_command("collectstatic", interactive=False, verbosity=0)


class Page(HTMLParser):
    """What a page links to, and its elements."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if "hidden" not in about:
            self.tags.append(tag)
        if "external" not in (about.get("rel") or ""):  # to share it with a network
            self.links += [value for name in ("href", "src") if (value := about.get(name))]


def words_of(folder: Path) -> str:
    return "\n".join(
        file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*.*"))
        if file.suffix in {".html", ".json", ".txt"}
    )


@pytest.fixture
def peopled(letter: Letter) -> Letter:
    """Names enough for three pages of the list, organizations enough for a page of their own, news and a delivery."""
    make_many(letter, 120)
    for n in range(80):
        make_signature(letter, f"House {n:03d}", kind=Kind.ORGANIZATION)
    make_news(letter)
    make_delivery(letter)
    make_letter("tunnel", state=Letter.State.CLOSED)
    make_letter("draft", state=Letter.State.DRAFT)
    return letter


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        call_command("mirror", tmp_path / "copy")
        return tmp_path / "copy"

    return make


def test_the_copy_holds_every_page_in_each_language_and_every_name(peopled: Letter, copy: Callable[[], Path]) -> None:
    folder = copy()
    pages = [
        "index.html",
        *(
            f"letters/{slug}/{page}index.html"
            for slug, page in product(
                ("bridge", "tunnel"), ("", "history/", "news/", "signatories/", "signatories/countries/")
            )
        ),
        "deliveries/bridge/1/index.html",
        "privacy/index.html",
    ]
    for language, page in product(LANGUAGES, pages):
        shown = (folder / language / page).read_text(encoding="utf-8")
        assert f'lang="{language.strip("/") or "en"}"' in shown, page
        # Its day, and the way to the same page of the site.
        address = page.removesuffix("index.html")
        assert f'href="http://localhost:8000/{language}{address}"' in shown.partition('class="mirror-notice"')[2], page
    for language in LANGUAGES:
        names = words_of(folder / language / "letters/bridge/signatories")
        assert set(re.findall(r"Signer \d{4}|House \d{3}", names)) == {
            *(f"Signer {n:04d}" for n in range(120)),
            *(f"House {n:03d}" for n in range(80)),
        }
    assert json.loads((folder / "api/v1/letters/bridge/index.json").read_text())["named"] == 200
    assert (folder / "robots.txt").read_text().startswith("User-agent") and "nothing here" in (
        folder / "404.html"
    ).read_text()
    assert not list(folder.rglob("*draft*"))


def test_every_link_within_the_copy_leads_to_a_file_and_every_other_one_to_the_site(
    peopled: Letter, copy: Callable[[], Path]
) -> None:
    folder = copy()
    files = [file for file in folder.rglob("*.html") if file.name != "404.html"]
    assert len(files) > 50
    for file in files:
        page = Page(file)
        # No form that goes nowhere, and no script that asks the site for more.
        assert not {"form", "script", "input", "button"} & set(page.tags), file
        assert any(link.endswith(".css") for link in page.links)
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme not in {"", "mailto"}:
                assert link.startswith(settings.SITE_URL), (file, link)
            elif parts.path and not parts.scheme:
                assert not parts.path.startswith("/") and not parts.query, (file, link)
                assert (file.parent / unquote(parts.path)).resolve().is_relative_to(folder), (file, link)
                assert (file.parent / unquote(parts.path)).is_file(), (file, link)
    lost = Page(folder / "404.html")
    assert all((folder / link.lstrip("/")).is_file() for link in lost.links if link.startswith("/") and "#" not in link)


def test_names_are_not_for_search_engines_and_texts_belong_to_the_site(
    peopled: Letter, copy: Callable[[], Path]
) -> None:
    folder = copy()
    lists = list(folder.rglob("signatories/*.html"))
    assert len(lists) == 4 * (3 + 1 + 2)
    for file in lists:
        assert '<meta name="robots" content="noindex">' in file.read_text(), file
    assert '<link rel="canonical" href="http://localhost:8000/letters/bridge/">' in (folder / "index.html").read_text()


def test_P1_the_copy_names_nobody_who_is_not_public(letter: Letter, copy: Callable[[], Path]) -> None:
    fields = {"role": "Canary role", "organization": "Canary organization", "comment": "Canary comment"}
    for number, (state, audience) in enumerate(product(State, Visibility)):
        if (state, audience) == (State.APPROVED, Visibility.PUBLIC):
            make_signature(letter, "Shown Canary", comment="Canary comment", spokesperson="Canary spokesperson")
            continue
        has_words = state != State.WITHDRAWN and not (audience == Visibility.COUNTED and state != State.UNCONFIRMED)
        make_signature(letter, f"Canary {number:02d}", state, audience, **(fields if has_words else {}))
    whole = words_of(copy())
    assert "Shown Canary" in whole
    assert set(re.findall(r"Canary \w+", whole)) == set()


def test_a_second_run_takes_out_who_withdrew_and_puts_in_who_came(
    letter: Letter, ada: Signature, copy: Callable[[], Path]
) -> None:
    grace = make_signature(letter, "Grace Hopper II")
    assert "Grace Hopper II" in words_of(copy())
    withdrawal.withdraw(grace)
    make_signature(letter, "Katherine Johnson")
    folder = copy()
    whole = words_of(folder)
    assert "Grace Hopper II" not in whole and "Ada Lovelace" in whole and "Katherine Johnson" in whole
    assert [file.name for file in folder.parent.iterdir()] == [folder.name]


def test_nobody_sees_half_a_copy(
    letter: Letter, ada: Signature, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    writing.write_mirror(folder, on=DAY)
    before = {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()}

    def while_it_is_made(pages: int) -> None:
        assert {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()} == before
        if pages == 9:
            raise KeyboardInterrupt

    make_signature(letter, "Katherine Johnson")
    with pytest.raises(KeyboardInterrupt):
        writing.write_mirror(folder, on=DAY + timedelta(days=1), tell=while_it_is_made)
    assert {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_what_broke_off_between_the_two_steps_of_the_exchange_is_mended(letter: Letter, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    writing.write_mirror(folder, on=DAY)
    folder.rename(tmp_path / "copy.old")
    writing.write_mirror(folder, on=DAY + timedelta(days=1))
    assert list(tmp_path.iterdir()) == [folder]
    assert (folder / "copied-on.txt").read_text() == "2026-11-26\nhttp://localhost:8000\n"
    assert "Nov. 26, 2026" in (folder / "index.html").read_text()


def test_a_folder_with_something_else_in_it_is_left_alone(letter: Letter, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only one")
    with pytest.raises(CommandError, match="holds something else"):
        call_command("mirror", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(CommandError, match="holds something else"):
        call_command("mirror", tmp_path / "thesis.txt")
    with pytest.raises(CommandError, match="holds something else"):
        call_command("mirror", "/")


def test_where_nothing_can_be_written_it_says_so_in_one_sentence(letter: Letter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"cannot be written to .*: Not a directory\.$"):
        call_command("mirror", tmp_path / "file" / "copy")


def test_two_at_once_do_not_write_over_each_other(letter: Letter, tmp_path: Path) -> None:
    another = connection.copy()
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, 0)", [AdvisoryLock.WRITE_MIRROR])
        with pytest.raises(CommandError, match="Another copy is being made"):
            call_command("mirror", tmp_path / "copy")
        cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [AdvisoryLock.WRITE_MIRROR])
    another.close()
    assert not list(tmp_path.iterdir())
    writing.write_mirror(tmp_path / "copy", on=DAY)


def test_a_letter_without_signatures_and_a_site_without_a_letter_can_be_copied(db: None, tmp_path: Path) -> None:
    writing.write_mirror(tmp_path / "none", on=DAY)
    assert (tmp_path / "none" / "404.html").is_file() and not (tmp_path / "none" / "index.html").exists()
    make_letter()
    writing.write_mirror(tmp_path / "one", on=DAY)
    assert "No public name here" in (tmp_path / "one/letters/bridge/signatories/index.html").read_text()


@pytest.mark.parametrize(
    "address",
    [
        "/letters/bridge/sign/",
        "/letters/bridge/my-link/",
        "/signature/abc/",
        "/admin/",
        "/readyz",
        "/letters/bridge/signatories/?q=ada",
        "/letters/bridge/signatories/?country=FR&after=2026-11-24.ab",
        "/letters/bridge/signatories/?after=../../x",
        "/letters/bridge/?after=2026-11-24.ab",
        "/nowhere/",
    ],
)
def test_what_needs_the_site_is_not_part_of_the_copy(address: str) -> None:
    assert links.file_for(address) is None


def test_a_page_of_the_list_is_a_file_of_its_own() -> None:
    where = "ko/letters/bridge/signatories/"
    assert (
        links.file_for(f"/{where}?kind=organization&after=2026-11-24.ab")
        == f"{where}after-2026-11-24.ab-kind-organization.html"
    )
    assert links.file_for(f"/{where}") == f"{where}index.html"
