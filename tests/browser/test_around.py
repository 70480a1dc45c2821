"""Low and narrow windows, paper, and the embed on a narrow page."""

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import LETTER, SAMPLE, PopulatedSite
from tests.live_site import LiveSite

# What sticks to the window after scrolling, in pixels of its height.
STUCK = """() => [...document.querySelectorAll('body *')].filter(node => ['fixed', 'sticky'].includes(getComputedStyle(node).position))
    .reduce((sum, node) => sum + node.getBoundingClientRect().height, 0)"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SHOWN = """() => [...document.querySelectorAll('body *')].filter(node => node.checkVisibility() && node.offsetHeight
    && [...node.childNodes].some(each => each.nodeType === 3 && each.data.trim()))
    .filter(node => !node.closest('.sheet, .newest, .names, .intro h1, .page h1, .page h2, .lead')).map(node => node.textContent.trim())"""


@pytest.mark.parametrize("language", ["", "/ko"])
def test_a_page_at_400_percent_keeps_its_height_and_paper_has_letter_and_names_alone(
    browser: Browser, site: LiveSite, populated: PopulatedSite, language: str
) -> None:
    page = browser.new_page(base_url=site.url)
    for path in (SAMPLE, f"{SAMPLE}signatories/", f"{SAMPLE}help/", "/accessibility/"):
        page.goto(f"{language}{path}")
        page.emulate_media(media="screen")
        for width, height in ((320, 256), (1280, 256), (320, 740)):
            page.set_viewport_size({"width": width, "height": height})
            page.mouse.wheel(0, 600)
            assert page.evaluate(WIDER) <= 0, (path, width)
            assert page.evaluate(STUCK) <= (0 if height == 256 else height / 5), (path, width, height)
    page.emulate_media(media="print")
    for path in (SAMPLE, f"{SAMPLE}signatories/"):
        page.goto(f"{language}{path}")
        assert page.evaluate(SHOWN) == [], path
    for width in (280, 320):
        page.set_viewport_size({"width": width, "height": 320})
        for letter in (SAMPLE, LETTER):
            page.goto(f"{language}{letter}embed/")
            assert page.evaluate(WIDER) <= 0
            assert page.evaluate("document.documentElement.scrollHeight") <= 320, "the height of the frame"
    page.close()
