"""A half typed form survives the end of a sign-in, in a real browser, with and without JavaScript (threat model A20)."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.staff_sessions import PASSWORD
from tests.live_site import LiveSite
from tests.staff.test_second_factor import code_of

KEY = "0123456789abcdef0123456789abcdef01234567"
BODY = 'First line\n\n<b>Ü</b> & "quotes"\nthird, 민주'
Staff = Callable[..., tuple[Page, str]]


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def staff(browser: Browser, site: LiveSite, script: bool) -> Iterator[Staff]:
    """Makes a member of staff. Returns their window, signed in, and their name."""
    context = browser.new_context(base_url=site.url, java_script_enabled=script)

    def make(role: str, key: str = "") -> tuple[Page, str]:
        name = site.python("tests.browser.staff_sessions", f"make_staff({role!r}, {key!r})")
        page = context.new_page()
        page.goto("/admin/")
        sign_in(page, name, key)
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        return page, name

    yield make
    context.close()


def sign_in(page: Page, name: str, key: str = "") -> None:
    page.get_by_label("User name or email address").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    if key:
        page.get_by_label("Code").fill(code_of(key))
        page.get_by_role("button", name="Continue").click()


def test_A20_a_half_typed_news_text_comes_back_with_every_word(staff: Staff, site: LiveSite, script: bool) -> None:
    page, name = staff("editor", KEY)
    page.goto("/admin/campaign/news/add/")
    page.get_by_label("Letter:").select_option(index=1)
    page.locator("[name=texts-0-language]").fill("en")
    page.locator("[name=texts-0-title]").fill("The embassy answered")
    page.locator("[name=texts-0-body]").fill(BODY)
    if script:
        page.locator("a.addlink").last.click()
        page.locator("[name=texts-1-language]").fill("ko")
        page.locator("[name=texts-1-title]").fill("둘째")
        page.locator("[name=texts-1-body]").fill("대사관")
    site.python("tests.browser.staff_sessions", f"end_sessions({name!r})")

    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    expect(page.get_by_role("status")).to_contain_text("your form comes back as you filled it in")
    sign_in(page, name, KEY)

    expect(page).to_have_url(f"{site.url}/admin/campaign/news/add/")
    expect(page.get_by_role("status")).to_contain_text("Nothing was sent yet.")
    expect(page.locator("[name=texts-0-title]")).to_have_value("The embassy answered")
    expect(page.locator("[name=texts-0-body]")).to_have_value(BODY)
    expect(page.locator("[name=texts-0-language]")).to_have_value("en")
    if script:
        expect(page.locator("[name=texts-1-title]")).to_have_value("둘째")
        expect(page.locator("[name=texts-1-body]")).to_have_value("대사관")
    page.reload()
    expect(page.locator("[name=texts-0-body]")).to_have_value(BODY)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("was added successfully")
    page.goto("/admin/campaign/news/add/")
    expect(page.locator("[name=texts-0-title]")).to_have_value("")


def test_A20_a_reason_comes_back_after_a_fresh_sign_in(staff: Staff, site: LiveSite, script: bool) -> None:
    page, name = staff("delivery officer")
    page.goto("/admin/signatures/signedletter/")
    page.get_by_role("link", name="xi-jinping-2013").click()
    page.get_by_role("link", name="Freeze a delivery").click()
    page.get_by_label("What for").fill("For the embassy, on Monday")
    site.python("tests.browser.staff_sessions", f"make_stale({name!r})")

    page.get_by_role("button", name="Freeze, and build the files").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please sign in again")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Freeze a delivery")
    expect(page.get_by_label("What for")).to_have_value("For the embassy, on Monday")
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_label("What for")).to_have_value("")


def test_A20_an_export_is_not_done_and_its_page_comes_back(staff: Staff, site: LiveSite, script: bool) -> None:
    page, name = staff("delivery officer")
    page.goto("/admin/signatures/signedletter/")
    page.get_by_role("link", name="xi-jinping-2013").click()
    site.python("tests.browser.staff_sessions", f"make_stale({name!r})")
    page.get_by_label("What the export is for").fill("for the press office")
    page.get_by_role("button", name="Export the list as CSV").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_contain_text("press the button again")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export the list as CSV").click()
    assert download.value.suggested_filename == "xi-jinping-2013.csv"
