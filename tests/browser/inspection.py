"""Checks of a public page: accessibility (axe), and faults that axe cannot find."""

from collections.abc import Iterator
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

NARROW = {"width": 320, "height": 640}  # a screen of 1280 pixels at 400 % zoom (WCAG 1.4.10)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOR_RULES = ["color-contrast", "link-in-text-block"]  # the only rules whose result depends on the theme

SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# Targets below 24 px (WCAG 2.5.8). Links within text are exempt; a checkbox includes its label.
SMALL_TARGETS = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('.offscreen') && one.matches(':not(.skip-link)'))
    .filter(one => !(getComputedStyle(one).display === 'inline'
        && one.parentElement.textContent.trim().length > one.textContent.trim().length))
    .map(one => [one, [one, ...(one.labels || [])].map(part => part.getBoundingClientRect())])
    .filter(([, boxes]) => Math.max(...boxes.map(box => box.right)) - Math.min(...boxes.map(box => box.left)) < 24
        || Math.max(...boxes.map(box => box.bottom)) - Math.min(...boxes.map(box => box.top)) < 24)
    .map(([one]) => one.outerHTML.slice(0, 120))"""
BROKEN_ERROR_LINKS = """() => [...document.querySelectorAll('#problems a')]
    .filter(one => !document.querySelector(':is(input:not([type=hidden]), select, textarea, main[tabindex])' + one.getAttribute('href')))
    .map(one => one.outerHTML)"""
# The text spacing that readers may set (WCAG 1.4.12).
TEXT_SPACING = """*, ::before, ::after { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
    p { margin-block-end: 2em !important; }"""
CUT_OFF = """() => [...document.querySelectorAll('main *, header *, footer *')]
    .filter(one => ['hidden', 'clip'].includes(getComputedStyle(one).overflowX) && one.matches(':not(.offscreen, .offscreen *, .visually-hidden, progress)')
        && one.innerText && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
    .map(one => one.outerHTML.slice(0, 120))"""


def faults(page: Page, language: str, *, all_rules_in_dark: bool = False) -> Iterator[str]:
    """Yields the faults of the current page. In the dark theme only color rules are checked, unless asked for all."""
    page.emulate_media(color_scheme="light")
    if page.locator("h1").count() != 1:
        yield f"{page.locator('h1').count()} headings of the first level"
    if page.locator("html").get_attribute("lang") != language:
        yield f"the language is {page.locator('html').get_attribute('lang')}"
    if page.evaluate(SCROLLS_SIDEWAYS):
        yield "it scrolls sideways at 320 px"
    direction = page.evaluate("document.documentElement.dir")
    page.evaluate("document.documentElement.dir = 'rtl'")
    if page.evaluate(SCROLLS_SIDEWAYS):
        yield "it scrolls sideways when its direction is right to left"
    page.evaluate("own => document.documentElement.dir = own", direction)
    yield from (f"small target: {one}" for one in page.evaluate(SMALL_TARGETS))
    yield from (f"error message links to no field: {one}" for one in page.evaluate(BROKEN_ERROR_LINKS))
    yield from axe(page, {"runOnly": TAGS, "rules": {"target-size": {"enabled": True}}})
    page.emulate_media(color_scheme="dark")
    yield from axe(page, {"runOnly": TAGS if all_rules_in_dark else COLOR_RULES}, "dark: ")
    style = page.add_style_tag(content=TEXT_SPACING)
    if page.evaluate(SCROLLS_SIDEWAYS):
        yield "it scrolls sideways with wider text spacing"
    yield from (f"cut off with wider text spacing: {one}" for one in page.evaluate(CUT_OFF))
    style.evaluate("one => one.remove()")


def axe(page: Page, options: dict[str, Any], prefix: str = "") -> Iterator[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate("options => axe.run(options)", {**options, "resultTypes": ["violations"]})
    for violation in found["violations"]:
        for node in violation["nodes"]:
            yield f"{prefix}{violation['id']}: {node['html'][:160]} {node['failureSummary'].splitlines()[-1].strip()}"
