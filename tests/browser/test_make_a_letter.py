"""An editor makes a letter in two languages, from login to publishing, in a real browser; supporters sign it.

With `SHOTS`, pictures of every step are written into that folder, at 1280 and 768 pixels.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, FilePayload, Page, expect

from tests.browser.inspection import COLOR_RULES, TAGS, axe
from tests.browser.test_kept_forms import sign_in
from tests.live_site import LiveSite


def logo() -> FilePayload:
    file = io.BytesIO()
    Image.new("RGB", (300, 120), "#1a4f8b").save(file, "PNG")
    return FilePayload(name="logo.png", mimeType="image/png", buffer=file.getvalue())


Look = Callable[[Page, str], None]  # at a page that was filled in; the second argument names it


def look_at(page: Page, name: str) -> None:
    """Checks the page in both themes, and takes pictures of it if they are wanted."""
    assert list(axe(page, {"runOnly": TAGS})) == [], name
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.getAnimations().forEach((one) => one.cancel())")  # colors on their way to the dark ones
    assert list(axe(page, {"runOnly": COLOR_RULES})) == [], f"{name}, dark"
    page.emulate_media(color_scheme="light")
    if folder := os.environ.get("SHOTS"):
        for width in (768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(folder) / f"{name.lower().replace(' ', '-')}-{width}.png", full_page=True)


def go_on(page: Page, heading: str, look: Look) -> None:
    look(page, page.locator("[aria-current=step]").inner_text().split("\n")[0] or "new")
    page.get_by_role("button", name=f"Save and go on: {heading}").click()
    expect(page.locator("[aria-current=step]")).to_contain_text(heading)


def signatories(page: Page) -> list[str]:
    return [box.input_value() for box in page.locator(".rows .row:not(.empty-form) [name$=-name]").all()]


def is_our_fault(said: ConsoleMessage) -> bool:
    return said.type == "error" and "favicon" not in said.location["url"]


FRENCH, ARABIC = "Gardons la salle", "لنحافظ على القاعة"
WRONG, RIGHT = "القاعه", "القاعة"  # one word, corrected


def correct_a_word_by_folder(site: LiveSite, folder: Path) -> None:
    """Without admin: the letter as a folder, with another word in the French text."""
    site.run("export_letter", "keep-the-hall", str(folder))
    words = (folder / "fr.md").read_text(encoding="utf-8")
    (folder / "fr.md").write_text(words.replace("demandons", "voulons"), encoding="utf-8")
    assert "fr.md: published." in site.run("load_letter", str(folder), "--overwrite")


def sign_and_confirm(browser: Browser, site: LiveSite, language: str, name: str, revision: int) -> None:
    """A supporter reads the letter in this language, signs it, and confirms by the link in the email."""
    page = browser.new_context(base_url=site.url).new_page()
    page.goto(f"/{language}/letters/keep-the-hall/")
    assert page.evaluate("document.documentElement.lang") == language, "the page around it, too"
    page.locator("[name=visibility][value=public]").check()
    page.locator("[name=name]").fill(name)
    page.locator("[name=email]").fill(f"{language}-reader@example.org")
    page.locator("[name=consent]").check()
    page.locator("form.sign > button[type=submit]").click()
    page.goto(site.wait_for_mail(f"{language}-reader@example.org"))
    page.locator("[name=action][value=confirm]").first.click()
    expect(page.locator(".manage dl")).to_contain_text(str(revision))
    page.context.close()


def publish(page: Page, look: Look | None = None) -> None:
    page.get_by_role("link", name="Publish").click()
    if look:
        look(page, "publish a correction")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".messagelist")).to_contain_text("Published.")


def make_in_french(page: Page, look: Look) -> None:
    """All steps, up to the page on which it is published."""
    page.goto("/admin/campaign/letter/")
    page.get_by_role("link", name="Add letter").click()
    page.get_by_label("Title:").press_sequentially(FRENCH)
    expect(page.get_by_label("Slug:")).to_have_value("gardons-la-salle")
    page.get_by_label("Slug:").fill("keep-the-hall")
    page.get_by_label("Recipient:", exact=True).fill("the town council")
    page.get_by_label("Authoritative language:").fill("fr")
    go_on(page, "The text", look)

    page.get_by_label("Addressee:").fill("The town council\nMarket 1")
    page.get_by_label("Body:").fill("Nous demandons *une* salle.")
    expect(page.locator(".preview em")).to_have_text("une")
    for name in ("Otto Horn", "Clara Bow", "Nobody"):
        page.get_by_role("button", name="Add a row").click()
        page.keyboard.type(name)
    page.get_by_role("button", name="Move this row up").nth(1).click()
    page.get_by_role("button", name="Remove").last.click()
    assert signatories(page) == ["Clara Bow", "Otto Horn"]
    go_on(page, "Letterhead", look)

    page.get_by_label("Name:", exact=True).fill("Town Orchestra")
    go_on(page, "Goal and times", look)
    page.get_by_label("Time zone:").select_option("Europe/Berlin")
    page.get_by_label("Opens at (Europe/Berlin):").fill("2020-06-01T09:00")
    go_on(page, "Who answers", look)
    go_on(page, "Color and logo", look)
    for color, said in (("#88aaff", "too pale"), ("#1a4f8b", "can be read well")):
        page.get_by_label("Color:").fill(color)
        expect(page.locator("output.contrast")).to_contain_text(said)
    page.get_by_label("Logo:", exact=True).set_input_files(logo())
    go_on(page, "Publish", look)
    look(page, "publish")


def translate_into_arabic_and_correct_a_word(page: Page, look: Look) -> None:
    page.goto("/admin/campaign/letter/")
    page.get_by_role("link", name="keep-the-hall").click()
    page.get_by_role("link", name="Add a text in another language").click()
    expect(page.get_by_label("Title:")).to_have_value(FRENCH)
    page.get_by_label("Language:", exact=True).fill("ar")
    page.get_by_label("Title:").fill(ARABIC)
    page.get_by_label("Body:").fill(f"نطلب {WRONG}.")
    page.get_by_role("button", name="Save and stay").click()
    publish(page)

    page.goto("/admin/campaign/translation/")
    page.get_by_role("link", name=ARABIC).click()
    page.get_by_role("link", name="Write a new text that begins with this one").click()
    page.get_by_label("Body:").fill(f"نطلب {RIGHT}.")
    page.get_by_role("button", name="Save and stay").click()
    publish(page, look)


def test_an_editor_publishes_a_letter_in_french_and_arabic_corrects_a_word_and_supporters_sign_each(
    browser: Browser, site: LiveSite, tmp_path: Path
) -> None:
    editor = site.python("tests.browser.staff_sessions", "make_staff('editor')")
    page = browser.new_context(base_url=site.url).new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if is_our_fault(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/admin/")
    sign_in(page, editor)
    make_in_french(page, look_at)
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".messagelist")).to_contain_text("Published.")
    reader = browser.new_context(base_url=site.url).new_page()
    reader.goto("/letters/keep-the-hall/")
    expect(reader.get_by_role("heading", level=1)).to_have_text(FRENCH)
    expect(reader.locator(".signatories li").first).to_contain_text("Clara Bow")
    expect(reader.locator(".letterhead img")).to_be_visible()
    assert reader.evaluate("document.querySelector('.letterhead img').naturalWidth") == 300

    translate_into_arabic_and_correct_a_word(page, look_at)
    reader.goto("/ar/letters/keep-the-hall/")
    expect(reader.locator("article")).to_contain_text(RIGHT)
    reader.goto("/fr/letters/keep-the-hall/")
    expect(reader.get_by_role("heading", level=1)).to_have_text(FRENCH)

    correct_a_word_by_folder(site, tmp_path / "letter")
    for _second in range(6):  # within five seconds readers see it
        reader.goto("/fr/letters/keep-the-hall/")
        if "Nous voulons" in reader.locator("article").inner_text():
            break
        reader.wait_for_timeout(1000)
    expect(reader.locator("article")).to_contain_text("Nous voulons une salle.")

    sign_and_confirm(browser, site, "fr", "Élodie Lambert", revision=2)
    sign_and_confirm(browser, site, "ar", "سارة نجم", revision=1)
    rows = site.sql(
        "SELECT s.language, t.body FROM signatures_signature s JOIN campaign_translation t ON t.id = translation_id"
        " JOIN campaign_letter l ON l.id = s.letter_id WHERE l.slug = 'keep-the-hall' ORDER BY 1"
    )
    assert rows == [("ar", f"نطلب {RIGHT}."), ("fr", "Nous voulons *une* salle.")]
    site.sql(
        "UPDATE campaign_letter SET state = 'archived' WHERE slug = 'keep-the-hall'"
    )  # other tests know one letter
    assert complaints == []
    page.context.close()
    reader.context.close()
