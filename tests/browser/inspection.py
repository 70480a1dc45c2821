"""What is looked at on every public page: axe, and what axe cannot see."""

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

NARROW = {"width": 320, "height": 640}  # what a screen of 1280 pixels shows at 400 % (WCAG 1.4.10)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLORS = ["color-contrast", "link-in-text-block"]  # all that changes with the theme

SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# WCAG 2.5.8: a target in a line of text is as high as its line; a box is also hit by its label.
SMALL = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('.offscreen') && one.matches(':not(.skip-link)'))
    .filter(one => !(getComputedStyle(one).display === 'inline'
        && one.parentElement.textContent.trim().length > one.textContent.trim().length))
    .map(one => [one, [one, ...(one.labels || [])].map(part => part.getBoundingClientRect())])
    .filter(([, boxes]) => Math.max(...boxes.map(box => box.right)) - Math.min(...boxes.map(box => box.left)) < 24
        || Math.max(...boxes.map(box => box.bottom)) - Math.min(...boxes.map(box => box.top)) < 24)
    .map(([one]) => one.outerHTML.slice(0, 120))"""
LEADS_NOWHERE = """() => [...document.querySelectorAll('#problems a')]
    .filter(one => !document.querySelector(':is(input:not([type=hidden]), select, textarea, main[tabindex])' + one.getAttribute('href')))
    .map(one => one.outerHTML)"""
# WCAG 1.4.12: what a reader sets who needs more space.
SPACING = """*, ::before, ::after { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-block-end: 2em !important; }"""
CUT_OFF = """() => [...document.querySelectorAll('main *, header *, footer *')]
    .filter(one => ['hidden', 'clip'].includes(getComputedStyle(one).overflowX) && one.matches(':not(.offscreen, .offscreen *, .visually-hidden, progress)')
        && one.innerText && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
    .map(one => one.outerHTML.slice(0, 120))"""


def faults(page: Page, language: str, *, whole: bool = False) -> Iterator[str]:
    """All that is wrong with the page that stands there. In the dark all of axe is asked only when `whole`."""
    page.emulate_media(color_scheme="light")
    if page.locator("h1").count() != 1:
        yield f"{page.locator('h1').count()} headings of the first level"
    if page.locator("html").get_attribute("lang") != language:
        yield f"the language is {page.locator('html').get_attribute('lang')}"
    if page.evaluate(SIDEWAYS):
        yield "it scrolls sideways at 320 px"
    page.evaluate("document.documentElement.dir = 'rtl'")
    if page.evaluate(SIDEWAYS):
        yield "it scrolls sideways once it is written from right to left"
    page.evaluate("document.documentElement.dir = 'ltr'")
    yield from (f"small target: {one}" for one in page.evaluate(SMALL))
    yield from (f"leads to no field: {one}" for one in page.evaluate(LEADS_NOWHERE))
    yield from axe(page, {"runOnly": TAGS, "rules": {"target-size": {"enabled": True}}})
    page.emulate_media(color_scheme="dark")
    yield from axe(page, {"runOnly": TAGS if whole else OF_COLORS}, "dark: ")
    style = page.add_style_tag(content=SPACING)
    if page.evaluate(SIDEWAYS):
        yield "it scrolls sideways once a reader sets the text wider"
    yield from (f"cut off once a reader sets the text wider: {one}" for one in page.evaluate(CUT_OFF))
    style.evaluate("one => one.remove()")


def axe(page: Page, options: dict[str, Any], where: str = "") -> Iterator[str]:
    found = Axe().run(page, options={**options, "resultTypes": ["violations"]})
    for violation in found.response["violations"]:
        for node in violation["nodes"]:
            yield f"{where}{violation['id']}: {node['html'][:160]} {node['failureSummary'].splitlines()[-1].strip()}"
