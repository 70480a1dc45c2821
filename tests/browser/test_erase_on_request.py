"""Erasing somebody on request, in a real browser: one owner records it, and another one confirms (threat model A24)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.staff_sessions import PASSWORD
from tests.live_site import LiveSite

REASON = "Her mailbox is gone; her letter of 3 May has her signature"


@pytest.fixture
def sign_in(browser: Browser, site: LiveSite) -> Iterator[Callable[[], Page]]:
    """Makes an owner and returns their window, signed in."""
    contexts = []

    def make() -> Page:
        name = site.python("tests.browser.staff_sessions", "make_staff('owner')")
        contexts.append(browser.new_context(base_url=site.url))
        page = contexts[-1].new_page()
        page.goto("/admin/")
        page.get_by_label("User name or email address").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        return page

    yield make
    for context in contexts:
        context.close()


def test_A24_one_owner_records_an_erasure_and_another_one_confirms_it(
    site: LiveSite, sign_in: Callable[[], Page]
) -> None:
    number = site.python("tests.browser.staff_sessions", "delivered('Augusta Byron')")
    there = f"SELECT count(*) FROM signatures_signature WHERE id = {number}"
    first, second = sign_in(), sign_in()

    first.goto(f"/admin/signatures/signature/{number}/change/")
    first.get_by_role("link", name="Erase on request…").click()
    expect(first.locator(".errornote")).to_contain_text("a second person has to confirm it")
    first.get_by_role("button", name="Erase on request").click()
    expect(first.get_by_text("This field is required.")).to_have_count(2)
    first.get_by_label("How the request came").select_option("post")
    first.get_by_label("Reason").fill(REASON)
    first.get_by_role("button", name="Erase on request").click()
    expect(first.get_by_text("It waits for a second person")).to_be_visible()
    assert site.sql(there) == [(1,)]

    second.goto("/admin/signatures/signerrequest/")
    second.locator("#result_list tbody th a").first.click()
    second.get_by_role("link", name="Decide it…").click()
    expect(second.get_by_text(REASON)).to_be_visible()
    second.get_by_role("button", name="Erase on request").click()
    expect(second.get_by_text("Done.")).to_be_visible()

    assert site.sql(there) == [(0,)]
    assert site.sql(f"SELECT name, salt IS NULL FROM signatures_deliveryentry WHERE signature_id = {number}") == [
        ("", True)
    ]
    assert site.sql("SELECT count(*) FROM signatures_erratum e JOIN signatures_delivery d ON d.id = delivery_id "
                    "WHERE d.slug = 'asked-by-post'") == [(1,)]  # fmt: skip
