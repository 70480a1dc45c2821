"""A letter in German and Persian, on a site that speaks neither: supporters sign each text, from reading to confirming.

With `SHOTS`, pictures of every page are written into that folder.
"""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from tests.browser.inspection import faults
from tests.browser.pages import ORCHESTRA
from tests.browser.test_languages import OVERFLOWING
from tests.live_site import LiveSite, body_of

NAMES = {"de": "Jörg Weiß", "fa": "لیلا حداد"}
WIDTHS = (360, 768, 1366)


@pytest.fixture(scope="module")
def orchestra(site: LiveSite) -> Iterator[LiveSite]:
    site.run("load_letter", str(ORCHESTRA))
    yield site
    site.sql("UPDATE campaign_letter SET state = 'archived' WHERE slug = 'orchestra'")  # other tests share the site


@pytest.fixture
def page(browser: Browser, orchestra: LiveSite) -> Iterator[Page]:
    context = browser.new_context(base_url=orchestra.url, bypass_csp=True, locale="de-DE")
    yield context.new_page()
    context.close()


def look(page: Page, name: str) -> None:
    """Checks the page at every width and in both themes, and takes pictures of it if they are wanted."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOWING) == [], f"{name} at {width}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if folder := os.environ.get("SHOTS"):
                page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 320, "height": 640})
    assert list(faults(page, "en", all_rules_in_dark=True)) == [], name
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1366, "height": 900})


@pytest.mark.parametrize(("language", "direction", "name"), [("de", "ltr", "German"), ("fa", "rtl", "Persian")])
def test_a_supporter_signs_the_text_that_they_read(
    page: Page, orchestra: LiveSite, language: str, direction: str, name: str
) -> None:
    address = f"{language}@example.org"
    page.goto("/letters/orchestra/")
    bar = page.get_by_role("navigation", name="Languages")
    expect(bar).to_contain_text("(letter in German)")
    bar.locator("summary").click()
    bar.locator(f"[hreflang={language}]").click()
    expect(page).to_have_url(f"{orchestra.url}/{language}/letters/orchestra/")
    letter = page.get_by_role("article", name="The letter")
    assert letter.evaluate("element => [element.lang, getComputedStyle(element).direction]") == [language, direction]
    assert page.evaluate("getComputedStyle(document.documentElement).direction") == "ltr"
    expect(page.locator(".language-note").first).to_have_text(f"You sign the {name} text. This page is in English.")
    look(page, f"{language}-letter")

    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.locator("#problems")).to_be_visible()
    expect(page).to_have_url(re.compile(f"^{re.escape(orchestra.url)}/{language}/letters/orchestra/"))
    page.get_by_role("radio", name="Show my name here and in the letter", exact=True).check()
    page.get_by_label("Your name").fill(NAMES[language])
    page.get_by_label("Email address").fill(address)
    page.get_by_label(f"I put my name under the {name} text of this letter").check()
    look(page, f"{language}-form")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page).to_have_url(f"{orchestra.url}/{language}/letters/orchestra/check-mail/")

    link = orchestra.wait_for_mail(address)
    assert link.startswith("/signature/"), "the email leads to a page in English"
    body = body_of(orchestra.messages(address)[-1], "html")
    assert '<html lang="en" dir="ltr">' in body and "Please open this link" in body
    if folder := os.environ.get("SHOTS"):
        (Path(folder) / f"{language}-mail.html").write_text(body, encoding="utf-8")
    page.goto(link)
    expect(page.locator(".language-note")).to_have_text(f"You sign the {name} text. This page is in English.")
    page.get_by_text("Read the letter again").click()
    assert page.locator(".read-again .sheet").evaluate("element => getComputedStyle(element).direction") == direction
    look(page, f"{language}-confirm")
    expect(page.locator(".as-entered")).to_contain_text(f"under the {name} letter")
    page.get_by_role("button", name="Yes, put my name under this letter").click()
    page.get_by_text("Manage my signature").click()
    expect(page.get_by_text(f"revision 1 ({name})")).to_be_visible()
    look(page, f"{language}-personal")
    page.get_by_role("link", name="The letter", exact=True).click()
    expect(page).to_have_url(f"{orchestra.url}/{language}/letters/orchestra/")
    rows = orchestra.sql(f"SELECT language, page_language FROM signatures_signature WHERE name = '{NAMES[language]}'")
    assert rows == [(language, "en")]


def test_the_pages_beside_the_letter_stand_in_both_directions(page: Page) -> None:
    for path in ("history", "tell", "news", "signatories"):
        page.goto(f"/fa/letters/orchestra/{path}/")
        look(page, f"fa-{path}")
    page.goto("/fa/letters/orchestra/embed/")
    expect(page.locator("h1")).to_have_attribute("dir", "rtl")


def test_the_pdf_of_the_letter_is_in_its_language(orchestra: LiveSite, tmp_path: Path) -> None:
    orchestra.run("export_pdf", "orchestra", "--out", str(tmp_path / "letter.pdf"))
    reader = PdfReader(io.BytesIO((tmp_path / "letter.pdf").read_bytes()))
    assert str(reader.root_object["/Lang"]) == "de"
