"""Page weight, layout shifts and line length."""

from itertools import groupby
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from tests.browser.pages import LANGUAGES, LETTER, SAMPLE, PopulatedSite
from tests.live_site import LiveSite

SIGNED = "/letters/sample-shipped/"
MAX_BYTES = 20 * 1024  # bytes over the wire
MAX_REQUESTS = 4
SHIFTS = """() => new Promise(resolve => new PerformanceObserver(list => resolve(
    list.getEntries().map(entry => [entry.value, entry.sources.map(source => source.node?.outerHTML?.slice(0, 120))])
)).observe({type: 'layout-shift', buffered: true}) || setTimeout(() => resolve([]), 400))"""
# The vertical position of each character of the letter: characters at the same position are on one line.
LINES = """() => [...document.querySelectorAll('.sheet .body > p')].map(paragraph => {
    const tops = [], walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT), range = document.createRange();
    while (walker.nextNode()) for (let at = 0; at < walker.currentNode.length; at++) {
        range.setStart(walker.currentNode, at); range.setEnd(walker.currentNode, at + 1);
        const box = range.getClientRects()[0];
        if (box && box.width) tops.push(Math.round(box.bottom));
    }
    return tops;
})"""


class Wire:
    """Counts bytes and requests of a first visit."""

    def __init__(self, page: Page) -> None:
        self.bytes, self.requests = 0, list[str]()
        wire: CDPSession = page.context.new_cdp_session(page)
        wire.on("Network.requestWillBeSent", lambda event: self.requests.append(event["request"]["url"]))
        wire.on("Network.loadingFinished", lambda event: self._add(event["encodedDataLength"]))
        wire.send("Network.enable")

    def _add(self, length: float) -> None:
        self.bytes += int(length)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("letter", [LETTER, SIGNED], ids=["as shipped", "signed by many"])
def test_the_first_view_is_at_most_twenty_kilobytes_in_four_requests(
    browser: Browser, site: LiveSite, populated: PopulatedSite, language: str, letter: str
) -> None:
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    wire = Wire(page)
    page.goto(f"{LANGUAGES[language]}{letter}", wait_until="networkidle")
    print(f"{language}: {wire.bytes} bytes in {len(wire.requests)} requests")
    assert 15_000 < wire.bytes <= MAX_BYTES, wire.bytes
    assert 3 <= len(wire.requests) <= MAX_REQUESTS, wire.requests
    assert {urlsplit(address).netloc for address in wire.requests} == {urlsplit(site.url).netloc}
    assert not [address for address in wire.requests if "font" in address or address.endswith((".woff", ".woff2"))]
    context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_layout_does_not_shift_while_pages_load(
    browser: Browser, site: LiveSite, populated: PopulatedSite, width: int
) -> None:
    context = browser.new_context(base_url=site.url, viewport={"width": width, "height": 740})
    page = context.new_page()
    for path in (LETTER, SAMPLE, f"/ko{SAMPLE}", f"{SAMPLE}signatories/"):
        page.goto(path, wait_until="networkidle")
        page.mouse.wheel(0, 3000)
        assert page.evaluate(SHIFTS) == [], path
    context.close()


def test_nor_does_it_where_a_slow_processor_paints_what_it_has_read_so_far(
    browser: Browser, site: LiveSite, populated: PopulatedSite
) -> None:
    for path in (LETTER, SAMPLE) * 2:  # where the browser stops reading differs from one visit to the next
        context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 740})
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 20})
        page.goto(path, wait_until="networkidle", timeout=180_000)  # milliseconds: twenty times those of the machine
        assert page.evaluate(SHIFTS) == [], path
        context.close()


def test_a_line_of_the_letter_has_sixty_to_seventy_five_characters(browser: Browser, site: LiveSite) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{site.url}{LETTER}")
    lines: list[int] = []
    for tops in page.evaluate(LINES):
        lines += [len(list(line)) for _, line in groupby(tops)][:-1]  # the last line of a paragraph may be shorter
    print(f"{sum(lines) / len(lines):.1f} characters in a line")
    assert len(lines) > 30
    assert 60 <= sum(lines) / len(lines) <= 75
    page.close()
