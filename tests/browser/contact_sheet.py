"""Pictures of every public page, to be looked at one by one: `python -m tests.browser.contact_sheet FOLDER`.

Each page at the width of a phone and of a desk, in light and dark; and in the other languages, on the phone.
"""

import html
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.pages import LANGUAGES, TABLE, Stage, State
from tests.live_site import LiveSite, free_port

WIDTHS = {"phone": 360, "desk": 1280}
THEMES = ("light", "dark")
ROWS = 4  # pages on one sheet, so that it can be looked at in one piece
MIRRORED = "mirrored"  # English as a language that is written from right to left would stand
COLUMNS = [f"en-{width}-{theme}" for width in WIDTHS for theme in THEMES] + [
    f"{name}-phone-light" for name in (*LANGUAGES, MIRRORED) if name != "en"
]
STYLE = """body { margin: 16px; font: 14px sans-serif; background: #888; color: #000; }
section { display: flex; flex-wrap: wrap; gap: 8px; margin-block-end: 16px; }
h2 { font-size: 16px; flex: 0 0 100%; margin: 0; } figure { margin: 0; } figcaption { font-size: 11px; }
a { display: block; width: 220px; height: 560px; overflow: hidden; background: #fff; } img { display: block; width: 100%; }
a[href*=desk] { width: 440px; }"""


def shoot(page: Page, stage: Stage, state: State, name: str, folder: Path) -> None:
    """The page is made once in each language, and looked at in several ways."""
    for language in LANGUAGES:
        state.show(page, stage, language)
        for column in (column for column in COLUMNS if column.startswith(f"{language}-")):
            _, width, theme = column.rsplit("-", 2)
            take(page, folder / f"{name}-{column}.png", width, theme)
        if language == "en":
            page.evaluate("document.documentElement.dir = 'rtl'")
            take(page, folder / f"{name}-{MIRRORED}-phone-light.png", "phone", "light")


def take(page: Page, file: Path, width: str, theme: str) -> None:
    page.set_viewport_size({"width": WIDTHS[width], "height": 800})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of THEMES
    page.screenshot(path=file, full_page=True)


def assemble(browser: Browser, folder: Path, states: list[tuple[str, State]], number: int) -> None:
    """One sheet of thumbnails, as a page and as a picture of it."""
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
    numbered = [(f"{number:02}", state) for number, state in enumerate(TABLE, start=1)]
    with LiveSite.for_a_while(free_port()) as site, sync_playwright() as play:
        stage = Stage(site)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        for name, state in numbered:
            shoot(page, stage, state, name, folder)
        for start in range(0, len(numbered), ROWS):
            assemble(browser, folder, numbered[start : start + ROWS], start // ROWS + 1)
    print(f"{len(TABLE)} pages; open {folder}/sheet-1.html and those that follow")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
