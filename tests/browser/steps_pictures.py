"""Pictures of every step of making a letter: `python -m tests.browser.steps_pictures FOLDER`.

At 1280 and 768 pixels, from the first step to the letter as a reader sees it.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.test_kept_forms import sign_in
from tests.browser.test_make_a_letter import make_in_french, translate_into_arabic_and_correct_a_word
from tests.live_site import LiveSite, free_port

WIDTHS = (1280, 768)


def take(page: Page, name: str, folder: Path) -> None:
    for width in WIDTHS:
        page.set_viewport_size(ViewportSize(width=width, height=900))
        page.screenshot(path=folder / f"{name.lower().replace(' ', '-')}-{width}.png", full_page=True)
    page.set_viewport_size(ViewportSize(width=WIDTHS[0], height=900))


def take_all(page: Page, site: LiveSite, folder: Path) -> None:
    def look(page: Page, name: str) -> None:
        take(page, name, folder)

    site.python("tests.browser.staff_sessions", "make_staff('orla', 'editor')")
    page.goto("/admin/")
    sign_in(page, "orla")
    make_in_french(page, look)
    page.get_by_role("button", name="Publish").click()
    translate_into_arabic_and_correct_a_word(page, look)
    for language in ("fr", "ar"):
        page.goto(f"/{language}/letters/keep-the-hall/")
        look(page, f"reader-{language}")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with LiveSite.temporary(free_port()) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(base_url=site.url, color_scheme="light").new_page()
        page.set_default_timeout(120_000)  # on a machine that does other work, too
        take_all(page, site, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
