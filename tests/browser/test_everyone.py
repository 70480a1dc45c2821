"""Accessibility: keyboard, zoom, forced colors, reduced motion (WCAG 2.2 AA)."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.inspection import NARROW, faults
from tests.browser.pages import LETTER, SAMPLE, PopulatedSite, State, states_with_languages
from tests.browser.test_walk import VISIBILITY_LABELS
from tests.live_site import LiveSite


@pytest.fixture(scope="module")
def reader(browser: Browser, site: LiveSite) -> Iterator[Page]:
    """One page for all tests that only read."""
    context = browser.new_context(base_url=site.url, viewport=NARROW, bypass_csp=True)  # type: ignore[arg-type]  # a literal
    yield context.new_page()
    context.close()


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport=NARROW)  # type: ignore[arg-type]  # a literal
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("state", "language"),
    list(states_with_languages())[::7],
    ids=lambda part: part if isinstance(part, str) else part.name,
)
def test_pages_are_accessible(reader: Page, populated: PopulatedSite, state: State, language: str) -> None:
    """In both themes, at 400 %, with wider text spacing. `python -m tests.browser.matrix` checks every page."""
    state.show(reader, populated, language)
    assert list(faults(reader, language)) == []


# By keyboard alone

FOCUS_IS_VISIBLE = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const marked = part => getComputedStyle(part).outlineStyle !== 'none' && parseFloat(getComputedStyle(part).outlineWidth) >= 2;
    const x = box.left + Math.min(box.width / 2, 20), y = box.top + Math.min(box.height / 2, 10);
    const top = document.elementFromPoint(x, y);
    const hit = top && (top === one || one.contains(top) || [...(one.labels || [])].some(label => label.contains(top)));
    return [style.visibility === 'visible' && (marked(one) || [...(one.labels || [])].some(marked)), Boolean(hit), one.outerHTML.slice(0, 120)];
}"""
HAS_FOCUS = """([kind, words]) => {
    const one = document.activeElement;
    return one.matches(kind) && [one, ...(one.labels || [])].some(part => part.innerText.trim().startsWith(words));
}"""


def has_focus(page: Page, kind: str, words: str = "") -> bool:
    """Returns whether the focus is on such an element with this label."""
    return bool(page.evaluate(HAS_FOCUS, [kind, words]))


def wait_for_focus(page: Page, kind: str) -> None:
    page.wait_for_function(HAS_FOCUS, arg=[kind, ""])


def tab_to(page: Page, kind: str, words: str = "") -> None:
    """As a person does: Tab until it is reached. Wherever the focus stops it can be seen, and nothing lies over it."""
    for _press in range(80):
        page.keyboard.press("Tab")
        if has_focus(page, "body"):
            continue  # the end of the page: the browser's own bar
        is_marked, is_on_top, what = page.evaluate(FOCUS_IS_VISIBLE)
        assert is_marked, f"the focus cannot be seen on {what}"
        assert is_on_top, f"something lies over {what}, which has the focus"
        if has_focus(page, kind, words):
            return
    raise AssertionError(f"no Tab leads to {kind} {words!r}")


def press(page: Page, button: str) -> None:
    tab_to(page, "button", button)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def choose(page: Page, visibility: str) -> None:
    """One of a group of radio buttons, in which Tab stops once and arrows lead on."""
    tab_to(page, "[type=radio][name=visibility]")
    for _choice in VISIBILITY_LABELS:
        if has_focus(page, "[type=radio]", VISIBILITY_LABELS[visibility]):
            break
        page.keyboard.press("ArrowDown")
    assert has_focus(page, "[type=radio]", VISIBILITY_LABELS[visibility])
    page.keyboard.press("Space")


def test_signing_and_confirming_by_keyboard_alone(page: Page, site: LiveSite) -> None:
    page.goto(LETTER)
    page.keyboard.press("Tab")
    assert has_focus(page, "a.skip-link") and page.evaluate(FOCUS_IS_VISIBLE)[:2] == [True, True]
    page.keyboard.press("Enter")
    wait_for_focus(page, "#content")

    press(page, "Sign")
    expect(page.locator("#problems")).to_be_focused()
    page.keyboard.press("Tab")
    field = page.locator("#problems a").first.get_attribute("href")
    assert has_focus(page, f"#problems a[href='{field}']")
    page.keyboard.press("Enter")
    wait_for_focus(page, str(field))
    tab_to(page, "input", "Your name")
    page.keyboard.type("Keyboard Alone")
    tab_to(page, "input", "Email address")
    page.keyboard.type("keyboard@example.org")
    choose(page, "public")
    tab_to(page, "input", "I put my name under this letter")
    page.keyboard.press("Space")
    press(page, "Sign")
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/")

    page.goto(site.wait_for_mail("keyboard@example.org"))
    press(page, "Yes, put my name under this letter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your signature is confirmed")

    tab_to(page, "summary", "Manage my signature")
    page.keyboard.press("Enter")
    tab_to(page, "summary", "Change my words")
    page.keyboard.press("Enter")
    choose(page, "counted")
    press(page, "Change")
    tab_to(page, "summary", "Manage my signature")
    page.keyboard.press("Enter")
    expect(page.locator(".stored")).to_contain_text("nowhere")

    tab_to(page, "summary", "Take my name back")
    page.keyboard.press("Enter")
    press(page, "Yes, take my name back")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your signature is taken back")


# As their own machine shows it

BORDERLESS = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('.offscreen') && !['radio', 'checkbox', 'file'].includes(one.type))
    .filter(one => getComputedStyle(one).borderTopStyle === 'none' || parseFloat(getComputedStyle(one).borderTopWidth) < 1)
    .map(one => one.outerHTML.slice(0, 120))"""
MOVING = """() => [...document.querySelectorAll('*')].filter(one => {
    const style = getComputedStyle(one), lasts = times => times.split(',').some(time => parseFloat(time) > 0.01);
    return (style.animationName !== 'none' && lasts(style.animationDuration)) || lasts(style.transitionDuration) || style.scrollBehavior === 'smooth';
}).map(one => one.outerHTML.slice(0, 120))"""


def colors_of(page: Page, selector: str) -> int:
    picture = Image.open(io.BytesIO(page.locator(selector).screenshot()))
    return len(picture.convert("RGB").getcolors(picture.width * picture.height) or [])


def test_in_forced_colors_fields_buttons_and_the_progress_keep_their_outlines(
    page: Page, populated: PopulatedSite
) -> None:
    page.emulate_media(forced_colors="active")
    for path in (SAMPLE, f"{SAMPLE}signatories/", populated.path("delivery"), populated.path("signed_by_one")):
        page.goto(path)
        assert page.evaluate(BORDERLESS) == [], path
    page.goto(SAMPLE)
    assert colors_of(page, "progress") > 1, "the bar differs from its background"


def test_nothing_is_animated_with_reduced_motion(page: Page, populated: PopulatedSite) -> None:
    page.emulate_media(reduced_motion="reduce")
    for path in (SAMPLE, f"{SAMPLE}signatories/", populated.path("approved"), populated.path("delivery")):
        page.goto(path)
        assert page.evaluate(MOVING) == [], path
        assert page.evaluate("document.getAnimations().length") == 0, path


def test_the_back_button_after_an_error_keeps_the_input(page: Page) -> None:
    page.goto(LETTER)
    page.get_by_label("Your name").fill("Back and Forth")
    page.get_by_text("More about you").click()
    page.get_by_label("Role or title").fill("Walker")
    page.get_by_role("radio", name=VISIBILITY_LABELS["delivery"], exact=True).check()
    page.get_by_role("button", name="Sign").click()
    expect(page.locator("#problems")).to_be_visible()
    page.go_back()
    expect(page.locator("#problems")).to_have_count(0)
    expect(page.get_by_label("Your name")).to_have_value("Back and Forth")
    expect(page.get_by_label("Role or title")).to_have_value("Walker")
    expect(page.get_by_role("radio", name=VISIBILITY_LABELS["delivery"], exact=True)).to_be_checked()
