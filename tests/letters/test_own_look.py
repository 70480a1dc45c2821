"""The color and the logo of a letter: on its pages, in the embed and in its emails, legible and without a cookie."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import localdate

from campaign.letters import colors, text_cache
from campaign.letters.look import SITE_LOOK, Look, look_of
from campaign.models import Letter, Logo
from campaign.web import middleware
from signatures.models import OutboxMail, Signature, Submission
from signatures.outbox import sending
from signatures.static_mirror import writing
from tests import process_memory
from tests.factories import make_logo, make_mail
from tests.inbox import Inbox
from tests.letters.test_look import DARK, LIGHT

pytestmark = pytest.mark.django_db

COLOR, ADDRESS = "#0b5a5a", "/look/0b5a5a.css"
BAD_COLORS = ["#ffd200", "#747474", "red", "#12", "#}*{a:b", "0b5a5a"]


@pytest.fixture
def colored(letter: Letter) -> Letter:
    letter.accent_color = COLOR
    letter.save()
    return letter


def mixed(color: str, ink: str) -> str:
    """Returns a color under 16 % of the ink: a button under the pointer."""
    pairs = zip(bytes.fromhex(color.removeprefix("#")), bytes.fromhex(ink.removeprefix("#")), strict=True)
    return "#" + bytes(round(one * 0.84 + other * 0.16) for one, other in pairs).hex()


# The color


def test_each_page_of_a_letter_loads_the_sheet_with_its_color(client: Client, colored: Letter) -> None:
    for path in ("/", "/letters/bridge/history/", "/letters/bridge/my-link/", "/ko/letters/bridge/privacy/"):
        page = client.get(path).content.decode()
        assert page.index("css/site") < page.index(f'<link rel="stylesheet" href="{ADDRESS}">'), path
        assert "style=" not in page


def test_the_embed_loads_it_as_a_page_of_no_origin_can(client: Client, colored: Letter) -> None:
    page = client.get("/letters/bridge/embed/").content.decode()
    assert f'<link rel="stylesheet" href="{ADDRESS}" crossorigin="anonymous">' in page
    sheet = client.get(ADDRESS)
    assert (sheet["Access-Control-Allow-Origin"], sheet["Cross-Origin-Resource-Policy"]) == ("*", "cross-origin")


def test_the_sheet_is_kept_for_a_year_and_asks_neither_database_nor_cookie(client: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        sheet = client.get(ADDRESS)
    assert len(asked) == 0 and not sheet.cookies and "Vary" not in sheet
    assert sheet["Cache-Control"] == "max-age=31536000, immutable"
    assert sheet["Content-Type"] == "text/css; charset=utf-8" and sheet["X-Content-Type-Options"] == "nosniff"
    assert len(sheet.content) < 200


def test_the_page_cache_keeps_no_sheet_because_anybody_can_make_up_a_color(client: Client) -> None:
    before = len(middleware.page_cache._pages)
    client.get(ADDRESS)
    assert len(middleware.page_cache._pages) == before


@pytest.mark.parametrize("color", ["#0b5a5a", "#7a1f1f", "#000000", "#0000ff", "#b00000", "#8a5a00"])
def test_words_buttons_and_buttons_under_the_pointer_are_legible(color: str) -> None:
    look = Look.of_color(color)
    for accent, ink, words, theme in (
        (look.accent, LIGHT["ink"], colors.LIGHT_BUTTON_TEXT, LIGHT),
        (look.dark_accent, DARK["ink"], look.dark_button_text, DARK),
    ):
        for ground in ("paper", "background"):  # links, and the ring around what has the focus
            assert colors.contrast_ratio(accent, theme[ground]) >= 4.5
        assert colors.contrast_ratio(accent, words) >= 4.5
        assert colors.contrast_ratio(mixed(accent, ink), words) >= 4.5
    sheet = look.style_sheet()
    assert f"--accent:{look.accent};" in sheet.partition("@media")[0]
    assert f"--accent:{look.dark_accent};" in sheet.partition("@media")[2]


@pytest.mark.parametrize("color", BAD_COLORS)
def test_P13_a_color_that_cannot_be_read_or_is_none_changes_nothing(
    client: Client, letter: Letter, ben: Submission, inbox: Inbox, color: str
) -> None:
    Letter.objects.update(accent_color=color)
    letter.refresh_from_db()
    assert look_of(letter) == SITE_LOOK
    assert "/look/" not in client.get("/").content.decode()
    make_mail(ben, "ben@example.org")
    sending.send_due()
    assert f":{color}" not in inbox[0].get_body(("html",)).get_content()  # type: ignore[union-attr]  # there is one


@pytest.mark.parametrize("name", ["ffd200", "747474", "red", "nix", "0b5a5", "0b5a5a0"])
def test_P13_there_is_no_sheet_for_such_a_color(client: Client, name: str) -> None:
    assert client.get(f"/look/{name}.css").status_code == 404


@pytest.mark.parametrize("kind", ["link", "links", "reminder", "question"])
def test_emails_about_the_letter_have_its_color(
    colored: Letter, ada: Signature, ben: Submission, inbox: Inbox, kind: str
) -> None:
    Signature.objects.update(flags=["asked"])
    make_mail(ben if kind in {"link", "reminder"} else ada, "a@example.org", OutboxMail.Kind(kind))
    sending.send_due()
    page = inbox[0].get_body(("html",)).get_content()  # type: ignore[union-attr]  # there is one
    assert f"background-color:{COLOR}" in page and colors.for_dark(COLOR) in page
    assert SITE_LOOK.accent not in page and SITE_LOOK.dark_accent not in page


# The logo


def test_the_logo_is_above_the_name_in_the_letterhead(client: Client, letter: Letter) -> None:
    logo = make_logo(letter)
    page = client.get("/").content.decode()
    image = f'<img src="/logo/{logo.digest}.png" alt="" width="480" height="160">'
    assert page.index(image) < page.index('<p class="organization">')


def test_the_logo_is_kept_for_a_year_and_never_taken_for_a_page(client: Client, letter: Letter) -> None:
    logo = make_logo(letter)
    answer = client.get(f"/logo/{logo.digest}.png")
    assert answer.content == bytes(logo.png) and answer["Content-Type"] == "image/png"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable" and not answer.cookies
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"/logo/{'0' * 64}.png").status_code == 404
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/logo/{logo.digest}.png")
    assert len(asked) == 0, "the page cache has it"


def test_another_logo_has_another_address(client: Client, letter: Letter) -> None:
    first = make_logo(letter).digest
    Logo.objects.all().delete()
    second = make_logo(letter, "#7a1f1f").digest
    text_cache.clear_cache()
    page = client.get("/letters/bridge/").content.decode()
    assert second in page and first not in page


def test_a_logo_costs_no_query_and_its_bytes_are_not_kept_with_the_text(client: Client, letter: Letter) -> None:
    client.get("/")  # reads what a process reads once
    numbers = []
    for step in (lambda: None, lambda: make_logo(letter)):
        step()
        process_memory.forget()  # or what is kept for some seconds would be read in one of the two rounds
        with CaptureQueriesContext(connection) as asked:
            page = client.get("/").content.decode()
        numbers.append(len(asked))
    assert "/logo/" in page and numbers[0] == numbers[1]
    assert not [query for query in asked if '"png"' in query["sql"]]
    assert text_cache.newest("bridge").revision.letter.logo.get_deferred_fields() == {"png"}


def test_the_mirror_has_the_color_the_logo_and_the_privacy_notice(
    colored: Letter, tmp_path: Path, settings: Any
) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.STATIC_ROOT = settings.BASE_DIR / "static"
    logo = make_logo(colored)
    folder = tmp_path / "mirror"
    writing.write_mirror(folder, on=localdate())
    page = (folder / "ko/letters/bridge/index.html").read_text()
    assert 'href="../../../look/0b5a5a.css"' in page and f'src="../../../logo/{logo.digest}.png"' in page
    assert 'href="privacy/index.html"' in page
    assert f"--accent:{COLOR}" in (folder / "look/0b5a5a.css").read_text()
    assert (folder / f"logo/{logo.digest}.png").read_bytes() == bytes(logo.png)
    assert (folder / "ko/letters/bridge/privacy/index.html").is_file()
