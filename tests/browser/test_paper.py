"""Lists from paper in a real browser: what xlsxwriter and LibreOffice saved, from the file to the names.

LibreOffice is not needed: `tests/paper/lists/README.md` says how its files were made.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.staff_sessions import PASSWORD
from tests.live_site import LiveSite

LISTS = Path(__file__).parent.parent / "paper" / "lists"
PAGE = "/admin/signatures/paperimport/"
PEOPLE = [
    ["Name", "Country", "Signed on", "May we show it?"],
    ["Ingrid Bergström", "Sweden", "5/2/2026", "yes"],
    ["Ingrid Bergström", "Sweden", "5/3/2026", "yes"],
    ["Ólafur Jónsson", "Atlantis", "5/2/2026", "no"],
]
WIDTHS = (1280, 1024, 768)
PHONE = 390
LEGIBLE = 90  # pixels of a cell in which words are not broken after a few letters


@pytest.fixture(scope="module")
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    """The window of a delivery officer, without JavaScript: no page of an import needs it."""
    officer = site.python("tests.browser.staff_sessions", "make_staff('delivery officer')")
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/admin/")
    page.get_by_label("User name or email address").fill(officer)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    yield page
    context.close()


def upload(page: Page, name: str, content: bytes) -> None:
    page.goto(f"{PAGE}import/")
    page.get_by_label("Letter").select_option(index=1)
    page.get_by_label("File").set_input_files(
        FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    )
    page.get_by_role("button", name="Next: the columns").click()


def fits(page: Page, *more: int) -> None:
    """Nothing of the page stands beside the window, at any of the widths, and each sample cell can be read."""
    for width in (*WIDTHS, *more):
        page.set_viewport_size({"width": width, "height": 800})
        table = page.locator(".results").first.bounding_box()
        assert table and table["x"] + table["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = "tables => tables.filter(table => table.scrollWidth > table.clientWidth).length"
        assert page.locator(".results").evaluate_all(wide) == 0
        cells = page.locator(".columns tbody :is(th, td)")
        assert all(each >= LEGIBLE for each in cells.evaluate_all("cells => cells.map(cell => cell.clientWidth)"))


def xlsx(rows: list[list[str]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def test_a_list_that_xlsxwriter_made_is_mapped_asked_about_looked_at_and_imported(page: Page, site: LiveSite) -> None:
    upload(page, "may.xlsx", xlsx(PEOPLE))
    expect(page.get_by_label("Signed on")).to_have_value("signed_on")
    expect(page.get_by_label("May we show it?")).to_have_value("")
    expect(page.locator(".columns")).to_contain_text("Ingrid Bergström")
    fits(page, PHONE)
    page.get_by_label("May we show it?").select_option("visibility")
    page.get_by_role("button", name="Next: look at the lines").click()
    page.get_by_label("the month, then the day").check()
    for word, meaning in (("yes", "public"), ("no", "delivery")):
        page.get_by_label(f"“{word}” as visibility means").select_option(meaning)
    page.get_by_role("button", name="Next: look at the lines").click()

    rows = page.locator(".import-lines tbody tr")
    expect(rows.nth(0)).to_contain_text("refused: This country is not known")
    expect(rows.nth(2)).to_contain_text("2026-05-02")
    fits(page, PHONE)
    rows.nth(1).get_by_role("button", name="Another person").click()
    expect(rows.nth(2)).to_contain_text("another person than line 2")
    page.get_by_role("button", name="Import 2 signatures").click()
    expect(page.get_by_role("link", name="Take this import back…")).to_be_visible(timeout=60_000)
    found = site.sql("SELECT visibility FROM signatures_signature WHERE paper AND name = 'Ingrid Bergström'")
    assert found == [("public",), ("public",)]

    page.get_by_role("link", name="Take this import back…").click()
    page.get_by_label("type the number of signatures (2)").fill("2")
    page.get_by_role("button", name="Take this import back").click()
    expect(page.get_by_text("2 signatures were deleted.")).to_be_visible()


@pytest.mark.parametrize("name", ["libreoffice.ods", "libreoffice.xlsx"])
def test_a_list_that_libreoffice_saved_is_joined_and_its_addresses_are_left_out(page: Page, name: str) -> None:
    upload(page, name, (LISTS / name).read_bytes())
    expect(page.get_by_label("First Name")).to_have_value("first_name")
    expect(page.locator(".help").last).to_contain_text("Not imported: Email")
    page.get_by_role("button", name="Next: look at the lines").click()
    rows = page.locator(".import-lines tbody tr")
    expect(rows.nth(0)).to_contain_text("Zoë Example")
    expect(rows.nth(1)).to_contain_text("2013-05-31")
    expect(page.locator("#content")).not_to_contain_text("@")
    page.get_by_role("button", name="Discard this file").click()
