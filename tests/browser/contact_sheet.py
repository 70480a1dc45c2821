"""Screenshots of every public page, to look at: `python -m tests.browser.contact_sheet FOLDER`.

Each page at the width of a phone and of a desktop screen, in both themes; in the other languages at phone width.
"""

import html
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.pages import LANGUAGES, PAGE_STATES, PopulatedSite, State
from tests.live_site import LiveSite, free_port

WIDTHS = {"phone": 360, "desktop": 1280}
THEMES = ("light", "dark")
ROWS = 4  # pages on one sheet
MIRRORED = "mirrored"  # English with the layout of a right-to-left language
COLUMNS = [f"en-{width}-{theme}" for width in WIDTHS for theme in THEMES] + [
    f"{name}-phone-light" for name in (*LANGUAGES, MIRRORED) if name != "en"
]
STYLE = """body { margin: 16px; font: 14px sans-serif; background: #888; color: #000; }
section { display: flex; flex-wrap: wrap; gap: 8px; margin-block-end: 16px; }
h2 { font-size: 16px; flex: 0 0 100%; margin: 0; } figure { margin: 0; } figcaption { font-size: 11px; }
a { display: block; width: 220px; height: 560px; overflow: hidden; background: #fff; } img { display: block; width: 100%; }
a[href*=desktop] { width: 440px; }"""


def take_screenshots(page: Page, populated: PopulatedSite, state: State, name: str, folder: Path) -> None:
    """Opens the page once in each language, and takes its screenshots."""
    for language in LANGUAGES:
        state.show(page, populated, language)
        for column in (column for column in COLUMNS if column.startswith(f"{language}-")):
            _, width, theme = column.rsplit("-", 2)
            take_screenshot(page, folder / f"{name}-{column}.png", width, theme)
        if language == "en":
            page.evaluate("document.documentElement.dir = 'rtl'")
            take_screenshot(page, folder / f"{name}-{MIRRORED}-phone-light.png", "phone", "light")


def take_screenshot(page: Page, file: Path, width: str, theme: str) -> None:
    page.set_viewport_size({"width": WIDTHS[width], "height": 800})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of THEMES
    page.screenshot(path=file, full_page=True)


def assemble(browser: Browser, folder: Path, states: list[tuple[str, State]], number: int) -> None:
    """Writes one sheet of thumbnails, as HTML and as an image."""
    parts = [f"<!DOCTYPE html><title>Sheet {number}</title><style>{STYLE}</style>"]
    for name, state in states:
        shots = [
            f'<figure><a href="{name}-{column}.png"><img src="{name}-{column}.png" alt=""></a><figcaption>{column}</figcaption></figure>'
            for column in COLUMNS
        ]
        parts.append(f"<section><h2>{html.escape(state.name)}</h2>{''.join(shots)}</section>")
    sheet = folder / f"sheet-{number}.html"
    sheet.write_text("\n".join(parts), encoding="utf-8")
    page = browser.new_page(viewport={"width": 2320, "height": 800})
    page.goto(sheet.absolute().as_uri())
    page.screenshot(path=sheet.with_suffix(".png"), full_page=True)
    page.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    numbered = [(f"{number:02}", state) for number, state in enumerate(PAGE_STATES, start=1)]
    with LiveSite.temporary(free_port()) as site, sync_playwright() as play:
        populated = PopulatedSite(site)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        for name, state in numbered:
            take_screenshots(page, populated, state, name, folder)
        for start in range(0, len(numbered), ROWS):
            assemble(browser, folder, numbered[start : start + ROWS], start // ROWS + 1)
    print(f"{len(PAGE_STATES)} pages; open {folder}/sheet-1.html and those that follow")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
