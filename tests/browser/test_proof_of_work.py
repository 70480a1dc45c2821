"""Proof of work in a real browser: it is done while the form is filled in, and who cannot do it signs as well."""

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.test_light import MAX_BYTES, MAX_REQUESTS, Wire
from tests.browser.test_walk import LETTER, VISIBILITY_LABELS
from tests.live_site import LiveSite

SECONDS = 20  # within which a process learns of the switch, and drops the cached page
MESSAGE = "Your browser is doing some work"
UNSOLVED = "**/static/js/solve_challenge*.js"
PROOF = "() => document.querySelector('form.sign').elements.proof?.value"


def turn(site: LiveSite, *, on: bool) -> None:
    """Turns the switch, and waits until the page of the letter knows it."""
    call = f'Switch.objects.update_or_create(code="proof-of-work", defaults={{"is_on": {on}}})[1]'
    site.python("signatures.models", call)
    deadline = time.monotonic() + SECONDS
    while ("data-challenge" in site.get(LETTER)[1]) != on:
        assert time.monotonic() < deadline, "the page does not follow the switch"
        time.sleep(0.2)


@pytest.fixture(scope="module", autouse=True)
def asked(site: LiveSite) -> Iterator[None]:
    turn(site, on=True)
    yield
    turn(site, on=False)


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    page.goto(LETTER)
    yield page
    context.close()


def fill_in(page: Page, name: str) -> None:
    page.get_by_role("radio", name=VISIBILITY_LABELS["public"], exact=True).check()
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email address").fill(f"{name.lower()}@example.org")
    page.get_by_label("I put my name under this letter").check()


def press(page: Page) -> None:
    page.get_by_role("button", name="Sign", exact=True).click()


def wait_for_proof(page: Page, *, other_than: str = "") -> str:
    """Waits for the work, longer than the form does once it was sent. Returns the solution."""
    page.wait_for_function(f"former => ![former, '', undefined].includes(({PROOF})())", arg=other_than, timeout=120_000)
    return str(page.evaluate(PROOF))


def is_unproved(site: LiveSite, name: str) -> bool:
    call = f'"no-proof" in Submission.objects.get(name="{name}").flags'
    return bool(site.python("signatures.models", call))


def test_S39_the_work_is_done_while_the_form_is_filled_in(page: Page, site: LiveSite) -> None:
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    fill_in(page, "Prima")
    began = time.monotonic()
    wait_for_proof(page)
    print(f"solved {time.monotonic() - began:.1f} s after the form was filled in")

    press(page)

    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/")
    assert errors == [], "the content security policy allows all of it"
    assert not is_unproved(site, "Prima")


def test_S39_who_is_quick_waits_some_seconds_and_is_told_why(page: Page, site: LiveSite) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(UNSOLVED, hold)  # however fast this machine is, the work is not done yet
    fill_in(page, "Secunda")
    press(page)

    expect(page.get_by_role("status").filter(has_text=MESSAGE)).to_be_visible()
    press(page)  # an impatient second time
    for route in held:
        route.continue_()
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/", timeout=20_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")


def test_S39_a_browser_that_cannot_do_it_sends_the_form_all_the_same(page: Page, site: LiveSite) -> None:
    page.route(UNSOLVED, lambda route: route.fulfill(body="onmessage = () => {};", content_type="text/javascript"))
    fill_in(page, "Tertia")
    began = time.monotonic()
    press(page)
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/", timeout=20_000)
    assert time.monotonic() - began < 15, "six seconds, and the way"
    assert is_unproved(site, "Tertia")


def test_S39_without_javascript_one_signs_and_is_flagged(browser: Browser, site: LiveSite) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto(LETTER)
    fill_in(page, "Quarta")
    press(page)
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/")
    assert is_unproved(site, "Quarta")
    context.close()


def test_S39_an_error_in_the_form_keeps_what_was_typed_and_the_work_is_asked_for_again(
    page: Page, site: LiveSite
) -> None:
    fill_in(page, "Quinta")
    page.get_by_label("Email address").fill("quinta@gmial.com")
    press(page)
    meant = page.get_by_role("button", name="quinta@gmail.com")
    expect(meant).to_be_visible(timeout=20_000)
    expect(page.get_by_label("Your name")).to_have_value("Quinta")
    page.get_by_label("Your name").focus()
    wait_for_proof(page)

    meant.click()

    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/", timeout=20_000)
    assert not is_unproved(site, "Quinta")


def test_S39_back_after_signing_another_signs_with_work_of_their_own(page: Page, site: LiveSite) -> None:
    fill_in(page, "Sexta")
    first = wait_for_proof(page)
    press(page)
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/", timeout=20_000)
    page.go_back()
    fill_in(page, "Septima")
    wait_for_proof(page, other_than=first)
    press(page)
    expect(page).to_have_url(f"{site.url}{LETTER}check-mail/", timeout=20_000)
    assert not is_unproved(site, "Septima")


def test_a_page_that_a_browser_kept_asks_for_work_again_when_it_is_shown(page: Page) -> None:
    fill_in(page, "Octava")
    first = wait_for_proof(page)
    shown_again = "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    assert page.evaluate(f"() => {{ {shown_again}; return ({PROOF})() }}") == ""
    wait_for_proof(page, other_than=first)


def test_a_reader_does_no_work_and_loads_one_small_script_more(browser: Browser, site: LiveSite) -> None:
    context = browser.new_context(base_url=site.url)
    page = context.new_page()
    wire = Wire(page)
    page.goto(LETTER, wait_until="networkidle")
    assert wire.bytes <= MAX_BYTES + 1024 and len(wire.requests) <= MAX_REQUESTS + 1, wire.requests
    assert not [address for address in wire.requests if "challenge" in address]
    context.close()
