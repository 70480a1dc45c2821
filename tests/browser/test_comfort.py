"""What JavaScript adds on the public pages, and that everything works without it."""

import json
from collections.abc import Callable, Iterator

import pytest
from django.utils import translation
from django.utils.functional import Promise
from playwright.sync_api import Browser, Page, Route, expect

from signatures.signing.form_fields import EmailAddressField
from signatures.signing.forms import NAME_REQUIRED
from tests.browser.pages import LETTER, SAMPLE, PopulatedSite
from tests.browser.test_walk import VISIBILITY_LABELS
from tests.live_site import LiveSite

NAME, ADDRESS = "#id_name", "#id_email"
DRAFT_NOTICE = "Kept in this tab until you send it."
INTERVAL = 20_000  # milliseconds, as in page.js
COUNT_ASKING = """
const ask = window.fetch;
window.asking = 0;  // how many answers are still awaited
window.fetch = (...what) => {
    window.asking++;
    return ask(...what).finally(() => window.asking--);
};
"""


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    """A page on which a JavaScript error fails the test."""
    context = browser.new_context(base_url=site.url, viewport={"width": 360, "height": 740})
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    yield page
    assert broken == []
    context.close()


def stored_draft(page: Page) -> dict[str, str]:
    found: dict[str, str] = json.loads(page.evaluate("sessionStorage.getItem('sign:xi-jinping-2013')") or "{}")
    return found


# The draft of the form


def test_a_draft_survives_reload_and_language_change_and_is_deleted_once_it_is_sent(page: Page, site: LiveSite) -> None:
    page.goto(LETTER)
    note = page.locator("[data-draft-notice]")
    expect(note).to_be_hidden()
    page.get_by_role("radio", name=VISIBILITY_LABELS["delivery"], exact=True).check()
    page.get_by_label("Your name").fill("Kept Over")
    page.get_by_text("More about you").click()
    page.get_by_label("Role or title").fill("Librarian")
    page.get_by_label("Country").select_option("KR")
    page.get_by_label("Email address").fill("kept@example.org")
    page.get_by_label("Email me when there is news").check()
    page.get_by_label("I put my name under this letter").check()

    page.reload()
    expect(note).to_contain_text(DRAFT_NOTICE)
    expect_kept(page)
    page.locator(".languages summary").click()
    page.locator(".languages a[lang=ko]").click()
    page.wait_for_url(f"{site.url}/ko{LETTER}")
    expect_kept(page)
    assert set(stored_draft(page)) == {"kind", "visibility", "name", "role", "country", "email", "updates"}

    page.locator("#id_consent").check()
    page.locator("form[data-draft] button[type=submit]").click()
    page.wait_for_url(f"{site.url}/ko{LETTER}check-mail/")
    assert stored_draft(page) == {}
    page.evaluate("sessionStorage.setItem('sign:xi-jinping-2013', '{\"name\": \"From another tab\"}')")
    page.goto(site.wait_for_mail("kept@example.org"))
    assert stored_draft(page) == {}, "who has the personal link has sent it"


def expect_kept(page: Page) -> None:
    expect(page.locator("[value=delivery]")).to_be_checked()
    expect(page.locator(NAME)).to_have_value("Kept Over")
    expect(page.locator("details.optional")).to_have_attribute("open", "")
    expect(page.locator("#id_role")).to_have_value("Librarian")
    expect(page.locator("#id_country")).to_have_value("KR")
    expect(page.locator(ADDRESS)).to_have_value("kept@example.org")
    expect(page.locator("#id_updates")).to_be_checked()
    expect(page.locator("#id_consent")).not_to_be_checked()


def test_a_button_empties_the_form_and_input_returned_by_the_server_replaces_the_draft(page: Page) -> None:
    page.goto(LETTER)
    page.get_by_label("Your name").fill("First")
    page.get_by_label("Email address").fill("no address")
    page.get_by_role("button", name="Sign").click()  # what is said of the address must not move it away meanwhile
    expect(page.locator("#problems")).to_be_focused()
    assert stored_draft(page)["email"] == "no address"
    page.evaluate("sessionStorage.setItem('sign:xi-jinping-2013', '{\"name\": \"Older\"}')")
    page.get_by_role("button", name="Sign").click()
    page.wait_for_function("document.querySelector('#id_name').value === 'First'")
    expect(page.locator("#problems")).to_be_visible()
    assert stored_draft(page)["name"] == "First"

    page.goto(LETTER)
    expect(page.get_by_label("Your name")).to_have_value("First")
    page.get_by_role("button", name="Clear the form").click()
    expect(page.get_by_label("Your name")).to_have_value("")
    expect(page.get_by_label("Email address")).to_have_value("")
    expect(page.locator("[data-draft-notice]")).to_be_hidden()
    assert page.evaluate("document.activeElement.form === document.querySelector('form[data-draft]')")
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("")


def test_without_storage_everything_else_works(page: Page, site: LiveSite) -> None:
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new DOMException('', 'SecurityError'); }})"
    )
    page.goto(LETTER)
    page.get_by_role("radio", name=VISIBILITY_LABELS["public"], exact=True).check()
    page.get_by_label("Your name").fill("Nothing Kept")
    page.get_by_label("Email address").fill("nothing-kept")
    page.get_by_label("Email address").blur()
    expect(page.locator("#id_email_wrong")).to_be_visible()
    page.reload()
    expect(page.locator("[data-draft-notice]")).to_be_hidden()
    page.get_by_role("radio", name=VISIBILITY_LABELS["public"], exact=True).check()
    page.get_by_label("Your name").fill("Nothing Kept")
    page.get_by_label("Email address").fill("nothing-kept@example.org")
    page.get_by_label("I put my name under this letter").check()
    page.get_by_role("button", name="Sign").click()
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/")


# A field says what is wrong


def test_a_field_shows_its_error_in_the_language_of_the_page_and_does_not_block_sending(page: Page) -> None:
    page.goto(f"/ko{LETTER}")
    name, address, note = page.locator(NAME), page.locator(ADDRESS), page.locator("#id_email_wrong")
    name.focus()
    name.blur()
    expect(page.locator(".invalid-feedback")).to_have_count(0)  # nothing was typed

    address.fill("ada@")
    expect(note).to_have_count(0)  # not while somebody types
    address.blur()
    expect(note).to_have_text(in_korean(EmailAddressField.NONE))
    expect(address).to_have_attribute("aria-invalid", "true")
    expect(address).to_have_attribute("aria-describedby", "id_email_helptext id_email_wrong")
    address.fill("ada@example.org")
    expect(note).to_have_count(0)
    expect(address).not_to_have_attribute("aria-invalid", "true")
    expect(address).to_have_attribute("aria-describedby", "id_email_helptext")

    name.fill("Ada")
    name.fill("")
    name.blur()
    expect(page.locator("#id_name_wrong")).to_have_text(in_korean(NAME_REQUIRED))
    page.locator("[value=counted]").check()
    expect(page.locator("#id_name_wrong")).to_have_count(0)  # who is counted needs no name

    address.fill("ada@")
    address.blur()
    page.locator("form[data-draft] button[type=submit]").click()
    expect(page.locator("#problems")).to_be_focused()
    expect(address).to_have_attribute("aria-describedby", "id_email_helptext id_email_error")
    expect(page.locator("#id_email_error")).to_be_visible()
    address.fill("ada@example.org")
    expect(page.locator("#id_email_error")).to_have_count(0)  # mended, so it is said no longer
    expect(address).to_have_attribute("aria-describedby", "id_email_helptext")
    expect(address).not_to_have_class("is-invalid")


def in_korean(words: Promise) -> str:
    with translation.override("ko"):
        return str(words)


# The link, to paste elsewhere


def test_the_link_is_copied_and_the_button_says_so(page: Page, site: LiveSite) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    for path, words in (
        (f"/ko{LETTER}", ""),
        (f"{LETTER}tell/", "Copy the link"),
    ):
        page.goto(path)
        button = page.locator("[data-copy]").first
        expect(button).to_be_visible()
        assert words in button.inner_text()
        button.click()
        expect(button).to_have_text(str(button.get_attribute("data-copied-label")))
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == f"{site.url}{'/ko' if '/ko' in path else ''}{LETTER}"
    page.get_by_role("button", name="Copy these lines").click()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("pre code").inner_text()


def test_the_button_keeps_its_label_if_the_clipboard_is_refused(page: Page) -> None:
    page.add_init_script(
        "navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    page.goto(f"{LETTER}tell/")
    button = page.locator("[data-copy]").first
    button.click()
    expect(button).to_have_text("Copy the link")


# Figures that live

APPROVE = """
from datetime import UTC, datetime, timedelta
from campaign.models import Letter
from tests.factories import make_signature
tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # newest are those of the last day, in no order that tells a time
make_signature(Letter.objects.get(slug="sample-main"), "Live Arrival", approved_on=tomorrow)
"""


# Organizations and people stand apart.
SIGNERS = "[...document.querySelectorAll('[data-count] strong')].reduce((sum, one) => sum + Number(one.textContent), 0)"


def test_new_names_appear_without_moving_the_focus(page: Page, site: LiveSite, populated: PopulatedSite) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(site.url)))
    page.clock.install()
    page.goto(SAMPLE)
    newest, count = page.locator("[data-live=newest]"), page.locator("[data-count]")
    before = int(str(count.get_attribute("data-count")))
    link = newest.locator("a").first
    link.focus()
    site.run("shell", "--no-imports", "-c", APPROVE)
    asked.clear()

    look_away(page, "hidden")
    page.clock.run_for(INTERVAL * 3)
    assert asked == [], "nothing is asked while nobody looks"

    look_away(page, "visible")
    ticks_until(page, f"({SIGNERS}) === {before + 1}")
    expect(page.locator("[data-live=sticky-bar]")).to_contain_text(str(before + 1))
    expect(link).to_be_focused()
    expect(newest).not_to_contain_text("Live Arrival")  # it would take the link away from who link there
    link.blur()
    ticks_until(page, "document.querySelector('[data-live=newest]').textContent.includes('Live Arrival')")
    expect(newest.locator(".new-entry")).to_have_count(1)
    expect(count).to_have_attribute("data-count", str(before + 1))

    asked.clear()
    with page.expect_response(f"**/api/v1/{SAMPLE.removeprefix('/')}"):
        page.clock.run_for(INTERVAL)
    assert asked == [f"/api/v1{SAMPLE}"], "where nothing has changed the page is not asked for"


FIRST = """
from datetime import UTC, datetime
from campaign.models import Letter
from tests.factories import make_letter
letter = make_letter("first-name")
Letter.objects.filter(pk=letter.pk).update(created_at=datetime(2000, 1, 1, tzinfo=UTC))
"""


UNNAMED = """
from signatures.models import Signature
Signature.objects.filter(letter__slug="first-name").update(visibility="delivery")
"""


def test_the_first_name_appears_on_an_empty_list(page: Page, site: LiveSite) -> None:
    site.run("shell", "--no-imports", "-c", FIRST)
    page.clock.install()
    page.goto("/letters/first-name/")
    newest = page.locator("[data-live=newest]")
    expect(newest).to_be_hidden()
    site.run("shell", "--no-imports", "-c", APPROVE.replace("sample-main", "first-name"))
    ticks_until(page, "document.querySelector('[data-live=newest]').textContent.includes('Live Arrival')")
    expect(newest.get_by_role("heading")).to_be_visible()
    expect(newest.locator(".new-entry")).to_have_count(1)

    site.run("shell", "--no-imports", "-c", UNNAMED)  # still counted, by the same number
    ticks_until(page, "!document.querySelector('[data-live=newest]').textContent.includes('Live Arrival')")
    expect(newest).to_be_hidden()
    site.run("shell", "--no-imports", "-c", UNNAMED.replace("delivery", "public"))
    ticks_until(page, "document.querySelector('[data-live=newest]').textContent.includes('Live Arrival')")


def look_away(page: Page, state: str) -> None:
    page.evaluate(
        "state => Object.defineProperty(document, 'visibilityState', {value: state, configurable: true})", state
    )


def ticks_until(page: Page, there: str) -> None:
    """Its own clock goes on, until the servers' copies (some seconds old) are, too."""
    for _ in range(40):
        page.clock.run_for(INTERVAL)
        page.wait_for_timeout(250)
        if page.evaluate(there):
            return
    raise AssertionError(there)


def test_the_page_asks_less_often_while_the_api_fails(page: Page, populated: PopulatedSite) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=503, json={"error": "away"})

    page.clock.install()
    page.add_init_script(COUNT_ASKING)
    page.route("**/api/v1/**", refuse)
    page.goto(SAMPLE)
    shown = page.locator("[data-count]").inner_text()

    def asks(number: int) -> Callable[[], bool]:
        return lambda: len(asked) >= number

    waits = [seconds_until(page, asks(number)) for number in (1, 2, 3)]
    assert waits == [20, 40, 80]
    assert page.locator("[data-count]").inner_text() == shown


def seconds_until(page: Page, happened: Callable[[], bool]) -> int:
    for seconds in range(0, 200, 20):
        if happened():
            return seconds
        page.clock.run_for(INTERVAL)
        while page.evaluate("window.asking"):
            page.wait_for_timeout(20)
    raise AssertionError("never")
