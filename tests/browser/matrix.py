"""Every public page in every state and language, in light and dark: what is wrong with it.

`python -m tests.browser.matrix [FOLDER]`; with a folder, what the server sent is left there for a validator of HTML.
"""

import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.inspection import NARROW, faults
from tests.browser.pages import LANGUAGES, TABLE, Stage
from tests.live_site import LiveSite, free_port


def main(folder: Path | None) -> int:
    begun, wrong = time.monotonic(), 0
    with LiveSite.for_a_while(free_port()) as site, sync_playwright() as play:
        stage = Stage(site)
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(viewport=NARROW, bypass_csp=True).new_page()  # type: ignore[arg-type]  # a literal
        for number, state in enumerate(TABLE, start=1):
            for language in LANGUAGES:
                sent = state.show(page, stage, language)
                if folder:
                    (folder / f"{number:02}-{language}.html").write_text(sent, encoding="utf-8")
                for fault in faults(page, language, whole=True):
                    wrong += 1
                    print(f"{number} {state.name} ({language}): {fault}")
    print(
        f"{len(TABLE)} pages × {len(LANGUAGES)} languages × 2 themes: {wrong} faults; {time.monotonic() - begun:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    if where:
        where.mkdir(parents=True, exist_ok=True)
    sys.exit(main(where))
