"""The letter on a slow phone: from the tap on a link until its form can be used. It needs Chromium, and no `wrk`.

400 kbit/s, 300 ms to the server and back, a sixth of the processor, and an empty cache at each visit. The yardstick is
the same page on the same phone without its style sheet and its script: the letter as plain HTML.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.bench.fixture import SLUG, BenchSite
from tests.bench.table import Row, alternate
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.languages import CODES, PREFIXES

SCREEN: Any = {"width": 360, "height": 740}
KBITS, LATENCY_MS, SLOWER = 400, 300, 6
VISITS = 5  # in each language, with and without style sheet and script
MAX_SECONDS, MAX_RATIO = 2.2, 2.0
MAX_WAIT_MS = 60_000
# The form is usable once it can be seen and its script has run.
USABLE = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def run(sites: dict[str, BenchSite], *, quick: bool) -> list[Row]:
    rows = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for language, prefix in zip(CODES, PREFIXES, strict=True):
            address = f"{sites['1k'].url}{prefix}/letters/{SLUG}/"
            runs: dict[str, Callable[[], float]] = {
                kind: partial(usable_after, browser, address, is_plain=is_plain)
                for kind, is_plain in ((f"{language}, as it is", False), (f"{language}, plain HTML", True))
            }
            ours, plain = alternate(runs, 1 if quick else VISITS).values()
            work = f"letter on a slow phone ({language}), form usable"
            rows.append(Row(work, ours, "s", None, MAX_SECONDS, at_least=False))
            rows.append(Row(f"{work}, by plain HTML", ours, "s", plain, MAX_RATIO, at_least=False))
        browser.close()
    return rows


def usable_after(browser: Browser, address: str, *, is_plain: bool) -> float:
    """Returns the seconds until the form of this page can be used."""
    context = browser.new_context(viewport=SCREEN)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    conditions = {"latency": LATENCY_MS, "downloadThroughput": KBITS * 125, "uploadThroughput": KBITS * 125}
    wire.send("Network.emulateNetworkConditions", {"offline": False, **conditions})
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    if is_plain:
        wire.send("Network.setBlockedURLs", {"urls": ["*/static/*"]})
    page.goto(address, wait_until="load", timeout=MAX_WAIT_MS)
    found = float(page.evaluate(USABLE))
    context.close()
    return found / 1000
