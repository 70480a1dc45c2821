"""The form beside the letter: it fits on the screen, shows what matters, and leaves nothing behind on the computer."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from signatures.registries.typed_fields import MAX_LENGTHS, WORDS
from signatures.values import email_addresses
from tests.browser.pages import LANGUAGES, LETTER
from tests.browser.test_walk import VISIBILITY_LABELS
from tests.live_site import LiveSite

PHONES = ((360, 740), (390, 844))
SCREENS = ((768, 1024), (1280, 800), (1366, 768), (1920, 1080))
BESIDE_LETTER = 1024  # pixels of width from which the form stands beside the letter
# Pixels from the heading of the form to the lower edge of its button, the height of the page above that edge, and
# whether anything scrolls within the form.
MEASURES = """() => {
    const box = selector => document.querySelector(selector).getBoundingClientRect();
    const bottom = box('form[data-draft] > [type=submit]:not([hidden])').bottom;
    const inner = [...document.querySelectorAll('aside.sign, aside.sign *:not(textarea, select, .offscreen)')];
    return {
        form: bottom - box('#sign-title').top, edge: bottom + scrollY,
        scrolls: inner.some(part => /auto|scroll/.test(getComputedStyle(part).overflowY) && part.scrollHeight > part.clientHeight),
    };
}"""
STORES = """async () => ({
    tab: Object.keys(sessionStorage), window: window.name, site: Object.keys(localStorage), cookies: document.cookie,
    databases: (await indexedDB.databases()).map(one => one.name), caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).length,
})"""
NOTHING: dict[str, Any] = {
    "tab": [], "window": "", "site": [], "cookies": "", "databases": [], "caches": [], "workers": 0,
}  # fmt: skip


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, viewport={"width": 1366, "height": 768})
    yield context.new_page()
    context.close()


@pytest.fixture
def plain(browser: Browser, site: LiveSite) -> Iterator[Page]:
    """A browser without script."""
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    yield context.new_page()
    context.close()


def fill(page: Page, name: str = "Ada Lovelace", address: str = "ada@example.org") -> None:
    page.get_by_role("radio", name=VISIBILITY_LABELS["public"], exact=True).check()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email address").fill(address)
    page.get_by_label("I put my name under this letter").check()


def send(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Sign", exact=True).click()


# It fits


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_whole_form_is_seen_without_scrolling(page: Page, language: str) -> None:
    """On a phone within one and a half screens. Also with a draft of an earlier visit, which adds a line."""
    page.goto(f"{LANGUAGES[language]}{LETTER}")
    fill_draft(page)
    for width, height in (*PHONES, *SCREENS):
        page.set_viewport_size({"width": width, "height": height})
        measured = page.evaluate(MEASURES)
        assert not measured["scrolls"], (width, height)
        most = height * 1.5 if (width, height) in PHONES else height
        assert measured["form"] <= most, (width, height, measured)
        assert width < BESIDE_LETTER or measured["edge"] <= height, (width, height, measured)


def test_a_notice_of_one_line_leaves_the_button_in_sight(page: Page) -> None:
    """Put where base.html puts it: a real notice would stay on the pages of other tests for a while."""
    page.goto(LETTER)
    fill_draft(page)
    page.evaluate("""document.querySelector('main').insertAdjacentHTML(
        'beforebegin', '<p class="site-notice" role="status">Emails are slow today.</p>')""")
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        measured = page.evaluate(MEASURES)
        assert width < BESIDE_LETTER or measured["edge"] <= height, (width, height, measured)


def fill_draft(page: Page) -> None:
    page.locator("#id_email").fill("ada@example.org")
    page.reload()
    expect(page.locator("[data-draft-notice]")).to_be_visible()


def test_the_bar_that_leads_to_the_form_waits_until_it_is_out_of_sight(page: Page) -> None:
    page.goto(LETTER)
    bar = page.locator(".sticky-bar")
    expect(bar).to_be_hidden()
    page.mouse.wheel(0, 2000)
    expect(bar).to_be_visible()
    page.locator(".sticky-bar .button").click()
    expect(page.locator("#id_name")).to_be_in_viewport()
    expect(bar).to_be_hidden()


# It shows what matters for the choice, also without script


def test_counted_only_hides_the_name_and_the_rest_at_once_and_nothing_that_is_kept(plain: Page) -> None:
    plain.goto(LETTER)
    plain.locator(".optional summary").click()
    dropped = [word for word in WORDS if word != "spokesperson"]  # an organization's alone
    plain.get_by_role("radio", name=VISIBILITY_LABELS["counted"], exact=True).check()
    for part in dropped:
        expect(plain.locator(f"#id_{part}")).to_be_hidden()
    expect(plain.locator("#id_country")).to_be_visible()
    plain.get_by_role("radio", name=VISIBILITY_LABELS["delivery"], exact=True).check()
    for part in (*dropped, "country"):
        expect(plain.locator(f"#id_{part}")).to_be_visible()


def test_for_an_organization_the_form_turns_over(plain: Page) -> None:
    plain.goto(LETTER)
    expect(plain.locator("#id_spokesperson")).to_be_hidden()
    expect(plain.locator("label[for=id_name]")).to_have_text("Your name", use_inner_text=True)
    plain.get_by_label("For an organization").check()
    expect(plain.locator("#id_spokesperson")).to_be_visible()
    expect(plain.locator("label[for=id_name]")).to_have_text("Name of the organization", use_inner_text=True)
    plain.get_by_label("As a person").check()
    expect(plain.locator("#id_spokesperson")).to_be_hidden()


def test_for_an_organization_every_word_is_of_an_organization_and_the_button_is_in_sight(page: Page) -> None:
    page.goto(LETTER)
    page.get_by_label("For an organization").check()
    words = page.locator("form[data-draft]").inner_text()
    assert "Show our name here" in words and "I put our name" in words and "my name" not in words
    assert "pen name" not in words
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        measured = page.evaluate(MEASURES)
        assert width < BESIDE_LETTER or measured["edge"] <= height, (width, height, measured)


def test_a_choice_that_was_made_is_no_error_any_more(page: Page) -> None:
    page.goto(LETTER)
    send(page)
    group = page.locator("fieldset", has=page.locator("[name=visibility]"))
    expect(group).to_have_attribute("aria-invalid", "true")
    page.check("[name=visibility][value=delivery]")
    expect(group).not_to_have_attribute("aria-invalid", "true")
    assert group.locator("[aria-invalid], .invalid-feedback, .is-invalid").count() == 0
    assert page.locator("[name=visibility][value=delivery]").get_attribute("aria-describedby") == "id_visibility_1_hint"


def test_the_address_that_was_meant_is_chosen_on_the_first_screen(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(LETTER)
    fill(page, address="ada@gmial.com")
    send(page)
    expect(page.locator("#problems")).to_be_focused()
    for words in ("I meant ada@gmail.com", "It is right as I typed it"):
        expect(page.locator("#problems").get_by_role("button", name=words)).to_be_in_viewport(ratio=1)
    page.locator("#problems").get_by_role("button", name="I meant ada@gmail.com").click()
    page.wait_for_url("**/check-mail/")
    expect(page.locator("[data-address]")).to_have_text("ada@gmail.com")


def test_the_warning_opens_and_the_rest_of_the_form_stays_folded(plain: Page) -> None:
    plain.goto(LETTER)
    expect(plain.get_by_role("link", name="What we store")).to_be_hidden()
    plain.get_by_text("This letter goes to a government or authority.").click()
    expect(plain.get_by_role("link", name="What we store")).to_be_visible()
    expect(plain.get_by_label("Role or title")).to_be_hidden()


# Fields take what the server takes


def test_fields_take_as_many_characters_as_the_server_in_every_script(page: Page) -> None:
    page.goto(LETTER)
    name, longest = page.locator("#id_name"), MAX_LENGTHS["name"]
    expect(name).to_have_attribute("maxlength", str(longest))
    expect(page.locator("#id_comment")).to_have_attribute("maxlength", str(MAX_LENGTHS["comment"]))
    expect(page.locator("#id_email")).to_have_attribute("maxlength", str(email_addresses.MAX_LENGTH))
    for letter, is_composed in (("x", True), ("\U0001e900", True), ("e\u0301", False)):  # Adlam has two units a letter
        name.fill("")
        name.focus()
        page.keyboard.insert_text(letter * (longest - 1))
        page.keyboard.insert_text(letter)
        assert name.input_value() == letter * longest
        page.keyboard.insert_text(letter)
        assert name.input_value() == letter * longest or not is_composed, "one more is not taken"


# Back


def test_back_after_an_error_and_a_link_shows_the_form_with_what_was_typed(page: Page, site: LiveSite) -> None:
    page.goto("/privacy/")
    page.goto(LETTER)
    fill(page, address="no address")
    send(page)
    expect(page.locator("#problems")).to_be_focused()
    page.get_by_role("link", name="Have you signed already?").click()
    page.wait_for_url("**/my-link/")
    send_link(page)
    expect(page.locator("#problems")).to_be_focused()
    page.get_by_role("link", name="Privacy", exact=True).click()
    page.wait_for_url("**/privacy/")

    page.go_back()
    expect(page.get_by_role("button", name="Send me my link")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")
    expect(page.get_by_label("Email address")).to_have_value("no address")
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")


def test_without_script_back_after_an_error_and_a_link_shows_the_form_with_what_was_typed(plain: Page) -> None:
    plain.goto(LETTER)
    fill(plain, address="no address")
    send(plain)
    plain.get_by_role("link", name="Have you signed already?").click()
    send_link(plain)
    plain.get_by_role("link", name="Privacy", exact=True).click()

    plain.go_back()
    expect(plain.get_by_label("Email address")).to_have_value("ada")
    plain.go_back()
    plain.go_back()
    expect(plain.locator("#problems")).to_be_visible()
    expect(plain.get_by_label("Your name")).to_have_value("Ada Lovelace")
    expect(plain.get_by_label("Email address")).to_have_value("no address")


def test_P15_without_script_back_and_reload_show_an_empty_form_after_it_was_sent(plain: Page) -> None:
    plain.goto(LETTER)
    fill(plain, address="no address")
    send(plain)
    plain.get_by_label("Email address").fill("still none")
    send(plain)
    expect(plain.get_by_label("Email address")).to_have_value("still none")
    plain.get_by_label("Email address").fill("plain@example.org")
    plain.locator("#id_consent").check()
    send(plain)
    expect(plain.get_by_role("heading", level=1)).to_have_text("Check your email")
    for _step in range(2):  # to the answer with the error, and to the first page
        plain.go_back()
        for _time in range(2):
            expect(plain.get_by_label("Your name")).to_have_value("")
            expect(plain.get_by_label("Email address")).to_have_value("")
            expect(plain.locator("#problems")).to_have_count(0)
            plain.reload()


def send_link(page: Page) -> None:
    page.get_by_label("Email address").fill("ada")
    with page.expect_navigation():
        page.get_by_role("button", name="Send me my link").click()


def test_P15_after_it_was_sent_back_shows_an_empty_form_and_no_store_holds_anything(page: Page, site: LiveSite) -> None:
    page.goto(LETTER)
    fill(page, address="shared@gmial.com")
    send(page)
    expect(page.locator("#problems")).to_contain_text("Is this email address right?")
    page.get_by_role("button", name="It is right as I typed it").click()
    page.wait_for_url("**/check-mail/")
    assert page.evaluate(STORES) == NOTHING and page.context.cookies() == []

    for _step in range(2):  # to the answer with the error, and to the first page
        page.go_back()
        expect(page.get_by_label("Your name")).to_have_value("")
        expect(page.get_by_label("Email address")).to_have_value("")
        expect(page.locator("[type=radio][name=visibility]:checked")).to_have_count(0)
        expect(page.locator("#problems")).to_have_count(0)
    page.goto(site.wait_for_mail("shared@gmial.com"))
    assert page.evaluate(STORES) == NOTHING and page.context.cookies() == []


def test_a_page_kept_whole_by_the_browser_is_emptied_too(page: Page) -> None:
    """The browsers of tests keep none, so the event that comes with one is sent by hand."""
    page.goto(LETTER)
    fill(page)
    shown_again = "() => { dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})); }"
    page.evaluate(shown_again)
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")  # not sent yet
    page.evaluate("sessionStorage.clear()")  # as the page does that comes after sending
    page.evaluate(shown_again)
    expect(page.get_by_label("Your name")).to_have_value("")
