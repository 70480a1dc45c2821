"""Somebody types a name again, or another person signs from the same mailbox: the page shows both and lets them choose."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import PopulatedSite

SIGNED_ALREADY, CONFIRMED = "You have signed already", "Thank you. Your signature is confirmed"


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def page(request: pytest.FixtureRequest, browser: Browser, populated: PopulatedSite) -> Iterator[Page]:
    """The page of a submission with the name that the mailbox signed with."""
    context = browser.new_context(base_url=populated.site.url, java_script_enabled=request.param)
    page = context.new_page()
    page.goto(populated.path("shared"))
    heading_is(page, SIGNED_ALREADY)
    yield page
    context.close()


def heading_is(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def enter_name(page: Page, name: str) -> None:
    page.get_by_text("I am another person, or something is wrong").click()
    page.get_by_label("Your name").fill(name)


def press(page: Page, button: str) -> None:
    """One that is in sight: the other form has the same buttons, and is hidden while this one is open."""
    page.locator("button:visible", has_text=button).first.click()


def test_what_was_signed_before_is_kept(page: Page) -> None:
    page.get_by_role("button", name="Keep what was signed before").click()
    heading_is(page, CONFIRMED)


def test_what_was_signed_before_is_replaced(page: Page) -> None:
    enter_name(page, "Ida B. Wells")
    press(page, "Yes, replace the signature of")
    heading_is(page, CONFIRMED)
    page.get_by_text("Manage my signature").click()
    expect(page.locator("dl.stored")).to_contain_text("Ida B. Wells")


def test_S32_another_person_signs_with_another_name_and_not_with_the_same(page: Page) -> None:
    page.get_by_text("I am another person, or something is wrong").click()
    press(page, "Yes, sign as another person")
    heading_is(page, SIGNED_ALREADY)
    expect(page.locator("#problems")).to_contain_text("only with a name of their own")

    page.get_by_label("Your name").fill("Ferdinand Barnett")
    press(page, "Yes, sign as another person")
    heading_is(page, CONFIRMED)
    page.get_by_text("Manage my signature").click()
    expect(page.locator("dl.stored")).to_contain_text("Ferdinand Barnett")


def test_the_enter_key_decides_nothing_and_keeps_what_was_typed(page: Page) -> None:
    enter_name(page, "Ferdinand Barnett")
    page.get_by_label("Your name").press("Enter")
    expect(page.locator("#problems")).to_contain_text("Please choose one of the buttons below.")
    heading_is(page, SIGNED_ALREADY)
    expect(page.get_by_label("Your name")).to_have_value("Ferdinand Barnett")
