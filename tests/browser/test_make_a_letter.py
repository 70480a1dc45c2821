"""An editor makes a letter from login to publishing, in a real browser: rows, preview, contrast and logo."""

import io

from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Page, expect

from tests.browser.test_kept_forms import sign_in
from tests.live_site import LiveSite


def logo() -> FilePayload:
    file = io.BytesIO()
    Image.new("RGB", (300, 120), "#1a4f8b").save(file, "PNG")
    return FilePayload(name="logo.png", mimeType="image/png", buffer=file.getvalue())


def go_on(page: Page, heading: str) -> None:
    page.get_by_role("button", name=f"Save and go on: {heading}").click()
    expect(page.locator("[aria-current=step]")).to_contain_text(heading)


def signatories(page: Page) -> list[str]:
    return [box.input_value() for box in page.locator(".rows .row:not(.empty-form) [name$=-name]").all()]


def is_our_fault(said: ConsoleMessage) -> bool:
    return said.type == "error" and "favicon" not in said.location["url"]


def test_an_editor_makes_a_letter_of_an_orchestra_to_its_town_council(browser: Browser, site: LiveSite) -> None:
    site.python("tests.browser.staff_sessions", "make_staff('orla', 'editor')")
    page = browser.new_context(base_url=site.url).new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_our_fault(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/")
    sign_in(page, "orla")
    page.goto("/admin/campaign/letter/")
    page.get_by_role("link", name="Add letter").click()
    page.get_by_label("Title:").press_sequentially("Keep the hall")
    expect(page.get_by_label("Slug:")).to_have_value("keep-the-hall")
    page.get_by_label("Recipient:", exact=True).fill("the town council")
    page.get_by_label("Authoritative language:").select_option("en")
    go_on(page, "The text")

    page.get_by_label("Addressee:").fill("The town council\nMarket 1")
    page.get_by_label("Body:").fill("We ask for *one* hall.")
    expect(page.locator(".preview em")).to_have_text("one")
    for name in ("Otto Horn", "Clara Bow", "Nobody"):
        page.get_by_role("button", name="Add a row").click()
        page.keyboard.type(name)
    page.get_by_role("button", name="Move this row up").nth(1).click()
    page.get_by_role("button", name="Remove").last.click()
    assert signatories(page) == ["Clara Bow", "Otto Horn"]
    go_on(page, "Letterhead")

    page.get_by_label("Name:", exact=True).fill("Town Orchestra")
    go_on(page, "Goal and times")
    page.get_by_label("Time zone:").select_option("Europe/Berlin")
    page.get_by_label("Opens at (Europe/Berlin):").fill("2020-06-01T09:00")
    go_on(page, "Who answers")
    go_on(page, "Color and logo")
    for color, said in (("#88aaff", "too pale"), ("#1a4f8b", "can be read well")):
        page.get_by_label("Color:").fill(color)
        expect(page.locator("output.contrast")).to_contain_text(said)
    page.get_by_label("Logo:", exact=True).set_input_files(logo())
    go_on(page, "Publish")

    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".messagelist")).to_contain_text("Published.")
    reader = browser.new_context(base_url=site.url).new_page()
    reader.goto("/letters/keep-the-hall/")
    expect(reader.get_by_role("heading", level=1)).to_have_text("Keep the hall")
    expect(reader.locator(".signatories li").first).to_contain_text("Clara Bow")
    expect(reader.locator(".letterhead img")).to_be_visible()
    assert reader.evaluate("document.querySelector('.letterhead img').naturalWidth") == 300

    # The other tests of this site know one letter.
    page.get_by_role("link", name="Keep the hall").click()
    page.get_by_label("Action").select_option(label="Take back…")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Take this text back").click()
    expect(page.locator(".messagelist")).to_contain_text("Taken back.")
    assert complaints == []
    page.context.close()
    reader.context.close()
