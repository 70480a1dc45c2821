"""A new browser while somebody tries codes for the account, in a real browser, with and without JavaScript (A19)."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.staff_sessions import PASSWORD
from tests.browser.test_kept_forms import sign_in
from tests.live_site import LiveSite
from tests.staff.test_second_factor import codes_of

KEY = "a123456789abcdef0123456789abcdef01234567"


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def page(request: pytest.FixtureRequest, browser: Browser, site: LiveSite) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url, java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def test_A19_the_page_asks_for_the_next_code_and_two_codes_sign_in(page: Page, site: LiveSite) -> None:
    name = site.python("tests.browser.staff_sessions", f"make_staff('owner', {KEY!r})")
    site.python("tests.browser.staff_sessions", f"try_codes({name!r})")
    page.goto("/admin/signatures/ratelimit/")
    sign_in(page, name)
    now, following = codes_of(KEY, 0, 1)

    page.get_by_label("Code").fill(now)
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_contain_text("wait for the next one, and type that, too")
    first, second = page.get_by_label("The code that your app shows now"), page.get_by_label("The next code that it")
    expect(first).to_have_value(now)
    expect(second).to_be_focused()
    expect(second).to_have_accessible_description("Please wait until your app shows the next code, and type it here.")

    second.fill(now)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("These are not two codes that follow one another")
    expect(first).to_be_focused()
    expect(first).to_have_value("")
    expect(second).to_have_value("")

    first.fill(now)
    second.fill(following)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/admin/signatures/ratelimit/")
    assert PASSWORD not in page.content()
