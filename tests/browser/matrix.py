"""Checks every public page in every state and language, in both themes, and prints the faults.

`python -m tests.browser.matrix [FOLDER]`. What the server sent is compared with the HTML standard (`html_checker`); with
a folder, it stays there for another validator.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests import settings
from tests.browser import html_checker
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.inspection import NARROW, faults
from tests.browser.pages import IN_OTHER_LANGUAGES, LANGUAGES, ORCHESTRA, PAGE_STATES, PopulatedSite, State
from tests.live_site import LiveSite, free_port

BROWSERS = 2


VISITS = [
    (number, state, language)
    for number, state in enumerate([*PAGE_STATES, *IN_OTHER_LANGUAGES], start=1)
    for language in (LANGUAGES if state in PAGE_STATES else [settings.LANGUAGE_CODE])
]


def look(populated: PopulatedSite, visits: list[tuple[int, State, str]], folder: Path) -> int:
    """Looks at these pages with a browser of its own. Returns the number of faults."""
    total = 0
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(viewport=NARROW, bypass_csp=True).new_page()  # type: ignore[arg-type]  # a literal
        for number, state, language in visits:
            html = state.show(page, populated, language)
            (folder / f"{number:02}-{language}.html").write_text(html, encoding="utf-8")
            for fault in faults(page, language):
                total += 1
                print(f"{number} {state.name} ({language}): {fault}")
    return total


def main(folder: Path) -> int:
    start = time.monotonic()
    with LiveSite.temporary(free_port()) as site, ThreadPoolExecutor(BROWSERS) as pool:
        populated = PopulatedSite(site)
        site.run("load_letter", str(ORCHESTRA))
        parts = [VISITS[first::BROWSERS] for first in range(BROWSERS)]
        total = sum(pool.map(lambda part: look(populated, part, folder), parts))
    for complaint in html_checker.complaints(folder):
        total += 1
        print(complaint)
    print(
        f"{len(PAGE_STATES)} pages × {len(LANGUAGES)} languages, and {len(IN_OTHER_LANGUAGES)} of a letter in another; "
        f"× 2 themes: {total} faults; {time.monotonic() - start:.0f} s"
    )
    return 1 if total else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        output_folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary)
        output_folder.mkdir(parents=True, exist_ok=True)
        sys.exit(main(output_folder))
