"""The static mirror is complete, shows its day, and holds nothing private."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
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
from tests.factories import make_letter, make_many, make_signature, make_submission
from tests.languages import PREFIXES
from tests.letters.test_news import make_news

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
DAY = date(2026, 11, 25)
LANGUAGES = [f"{prefix}/".removeprefix("/") for prefix in PREFIXES]


class Page(HTMLParser):
    """The links and the elements of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if "hidden" not in about:
            self.tags.append(tag)
        if "external" not in (about.get("rel") or ""):  # a link to share the letter
            self.links += [value for name in ("href", "src") if (value := about.get(name))]


def text_of(folder: Path) -> str:
    return "\n".join(
        file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*.*"))
        if file.suffix in {".html", ".json", ".txt"}
    )


@pytest.fixture
def site_with_names(letter: Letter) -> Letter:
    """Enough names for three pages of the list, enough organizations for two of theirs, news and a delivery."""
    make_many(letter, 120)
    for n in range(80):
        make_signature(letter, f"Club {n:03d}", kind=Kind.ORGANIZATION)
    make_news(letter)
    make_delivery(letter)
    make_letter("tunnel", state=Letter.State.CLOSED)
    make_letter("draft", state=Letter.State.DRAFT)
    return letter


@pytest.fixture
def mirror(tmp_path: Path) -> Callable[[], Path]:
    def make() -> Path:
        call_command("mirror", tmp_path / "mirror")
        return tmp_path / "mirror"

    return make


def test_the_mirror_holds_every_page_in_each_language_and_every_name(
    site_with_names: Letter, mirror: Callable[[], Path]
) -> None:
    folder = mirror()
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
        # It shows its day and links to the same page of the site.
        address = page.removesuffix("index.html")
        assert f'href="http://localhost:8000/{language}{address}"' in shown.partition('class="mirror-notice"')[2], page
    for language in LANGUAGES:
        names = text_of(folder / language / "letters/bridge/signatories")
        assert set(re.findall(r"Signer \d{4}|Club \d{3}", names)) == {
            *(f"Signer {n:04d}" for n in range(120)),
            *(f"Club {n:03d}" for n in range(80)),
        }
    assert json.loads((folder / "api/v1/letters/bridge/index.json").read_text())["named"] == 200
    assert (folder / "robots.txt").read_text().startswith("User-agent") and "nothing here" in (
        folder / "404.html"
    ).read_text()
    assert not list(folder.rglob("*draft*"))


def test_links_lead_to_a_file_of_the_mirror_or_to_the_site(site_with_names: Letter, mirror: Callable[[], Path]) -> None:
    folder = mirror()
    files = [file for file in folder.rglob("*.html") if file.name != "404.html"]
    assert len(files) > 50
    for file in files:
        page = Page(file)
        # No form without a server, and no script that needs the site.
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


def test_names_are_noindex_and_texts_have_canonical_links_to_the_site(
    site_with_names: Letter, mirror: Callable[[], Path]
) -> None:
    folder = mirror()
    lists = list(folder.rglob("signatories/*.html"))
    # 120 people on two pages or three, 80 organizations on one or two, and the other letter.
    in_english = list((folder / "letters").rglob("signatories/*.html"))
    assert len(lists) == len(LANGUAGES) * len(in_english) and 4 <= len(in_english) <= 6
    for file in lists:
        assert '<meta name="robots" content="noindex">' in file.read_text(), file
    assert '<link rel="canonical" href="http://localhost:8000/letters/bridge/">' in (folder / "index.html").read_text()


def test_P1_the_mirror_names_nobody_who_is_not_public(letter: Letter, mirror: Callable[[], Path]) -> None:
    fields = {"role": "Canary role", "organization": "Canary organization", "comment": "Canary comment"}
    for number, (state, visibility) in enumerate(product(State, Visibility)):
        if (state, visibility) == (State.APPROVED, Visibility.PUBLIC):
            make_signature(letter, "Shown Canary", comment="Canary comment", spokesperson="Canary spokesperson")
            continue
        has_words = state != State.WITHDRAWN and visibility != Visibility.COUNTED
        make_signature(letter, f"Canary {number:02d}", state, visibility, **(fields if has_words else {}))
    make_submission(letter, "Canary submission", Visibility.PUBLIC, **fields)
    text = text_of(mirror())
    assert "Shown Canary" in text
    assert set(re.findall(r"Canary \w+", text)) == set()


def test_a_second_run_removes_withdrawals_and_adds_new_names(
    letter: Letter, ada: Signature, mirror: Callable[[], Path]
) -> None:
    grace = make_signature(letter, "Grace Hopper II")
    assert "Grace Hopper II" in text_of(mirror())
    withdrawal.withdraw(grace)
    make_signature(letter, "Katherine Johnson")
    folder = mirror()
    text = text_of(folder)
    assert "Grace Hopper II" not in text and "Ada Lovelace" in text and "Katherine Johnson" in text
    assert {file.name for file in folder.parent.iterdir()} == {"mirror", "mirror.digests"}


def test_a_mirror_is_replaced_completely_or_not_at_all(
    letter: Letter, ada: Signature, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror"
    writing.write_mirror(folder, on=DAY)
    before = {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()}

    def while_it_is_made(pages: int) -> None:
        assert {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()} == before
        if pages == 9:
            raise KeyboardInterrupt

    make_signature(letter, "Katherine Johnson")
    with pytest.raises(KeyboardInterrupt):
        writing.write_mirror(folder, on=DAY + timedelta(days=1), on_progress=while_it_is_made)
    assert {file: file.read_bytes() for file in folder.rglob("*.*") if file.is_file()} == before
    assert {file.name for file in tmp_path.iterdir()} == {"mirror", "mirror.digests"}


def test_a_run_interrupted_while_replacing_is_repaired(letter: Letter, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    writing.write_mirror(folder, on=DAY)
    folder.rename(tmp_path / "mirror.old")
    writing.write_mirror(folder, on=DAY + timedelta(days=1))
    assert {file.name for file in tmp_path.iterdir()} == {"mirror", "mirror.digests"}
    assert (folder / "copied-on.txt").read_text().startswith("2026-11-26\nhttp://localhost:8000\n")
    assert "Nov. 26, 2026" in (folder / "index.html").read_text()


def test_a_folder_with_something_else_is_refused(letter: Letter, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only one")
    with pytest.raises(CommandError, match="holds something else"):
        call_command("mirror", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(CommandError, match="holds something else"):
        call_command("mirror", tmp_path / "thesis.txt")
    with pytest.raises(CommandError, match="holds something else"):
        call_command("mirror", "/")


def test_a_folder_that_cannot_be_written_is_one_error_sentence(letter: Letter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"cannot be written to .*: Not a directory\.$"):
        call_command("mirror", tmp_path / "file" / "mirror")


def test_two_runs_at_once_do_not_overwrite_each_other(letter: Letter, tmp_path: Path) -> None:
    another = connection.copy()
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, 0)", [AdvisoryLock.WRITE_MIRROR])
        with pytest.raises(CommandError, match="Another mirror is being written"):
            call_command("mirror", tmp_path / "mirror")
        cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [AdvisoryLock.WRITE_MIRROR])
    another.close()
    assert not list(tmp_path.iterdir())
    writing.write_mirror(tmp_path / "mirror", on=DAY)


def test_a_letter_without_signatures_and_a_site_without_letters_are_mirrored(db: None, tmp_path: Path) -> None:
    writing.write_mirror(tmp_path / "none", on=DAY)
    assert (tmp_path / "none" / "404.html").is_file() and not (tmp_path / "none" / "index.html").exists()
    make_letter()
    writing.write_mirror(tmp_path / "one", on=DAY)
    assert "No public names here" in (tmp_path / "one/letters/bridge/signatories/index.html").read_text()


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
def test_pages_that_need_the_site_are_not_mirrored(address: str) -> None:
    assert links.file_for(address) is None


def test_a_page_of_the_list_is_a_file_of_its_own() -> None:
    where = "ko/letters/bridge/signatories/"
    assert (
        links.file_for(f"/{where}?kind=organization&after=2026-11-24.ab")
        == f"{where}after-2026-11-24.ab-kind-organization.html"
    )
    assert links.file_for(f"/{where}") == f"{where}index.html"


def test_several_letters_have_their_index_in_it(letter: Letter, tmp_path: Path) -> None:
    make_letter("ferry")
    folder = tmp_path / "mirror"
    writing.write_mirror(folder, on=DAY)
    for language in LANGUAGES:
        page = Page(folder / language / "letters" / "index.html")
        assert {"bridge/index.html", "ferry/index.html"} <= {*page.links}
    assert "letters/index.html" in Page(folder / "index.html").links
    assert "my-link" not in (folder / "letters" / "index.html").read_text()
