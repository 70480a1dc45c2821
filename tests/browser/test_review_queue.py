"""The review queue in a browser: by keyboard, without script, for two moderators at once, on screens of all widths."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.staff_sessions import PASSWORD
from tests.browser.test_walk import log_in_with_factor
from tests.live_site import LiveSite

QUEUE = "/admin/signatures/waitingsignature/"
NAMES = "#result_list tbody td.field-who a"
DESKTOP = ViewportSize(width=1280, height=800)
LONG = "Longname" * 23 + "Longna"  # 190 letters without a blank
MODERATORS = 12
PREPARE = """
from campaign.models import Letter
from signatures.states import State
from tests.browser.staff_sessions import make_staff
from tests.factories import make_signature
make_signature(Letter.objects.current(), "Pattern", State.REJECTED, role="Nurse", organization="Free University")
for each in range({moderators}):
    print(make_staff("moderator"))
"""
# Copies of the pattern, the oldest first. A process of the site's own would take seconds for them.
SEED = r"""
UPDATE signatures_signature SET state = 'rejected' WHERE state = 'waiting';
DELETE FROM signatures_pageclaim;
INSERT INTO signatures_signature SELECT (jsonb_populate_record(pattern, jsonb_build_object(
    'id', nextval(pg_get_serial_sequence('signatures_signature', 'id')), 'public_id', gen_random_uuid(),
    'name', %(name)s || ' ' || number, 'name_key', %(name)s || number, 'state', 'waiting', 'flags', to_jsonb(%(flags)s::text[]),
    'address_hash', '\x' || md5(random()::text), 'signed_up_at', now() - interval '30 days' + number * interval '1 minute'
))).*
FROM signatures_signature AS pattern, generate_series(0, %(number)s - 1) AS number
WHERE pattern.name = 'Pattern'
"""

Moderator = Callable[..., Page]


@pytest.fixture(scope="module")
def names_of_moderators(site: LiveSite) -> list[str]:
    """Returns moderators of the site that nobody is yet. A signature to copy is made with them."""
    return site.run("shell", "--no-imports", "-c", PREPARE.format(moderators=MODERATORS)).split()


@pytest.fixture
def prepared(site: LiveSite, names_of_moderators: list[str]) -> LiveSite:
    """The site, with moderators and a signature to copy."""
    return site


def seed(site: LiveSite, name: str, number: int, flags: list[str]) -> None:
    site.sql(SEED, {"name": name, "number": number, "flags": flags})


@pytest.fixture
def moderator(browser: Browser, prepared: LiveSite, names_of_moderators: list[str]) -> Iterator[Moderator]:
    """Returns the window of another moderator each time, on which an error of JavaScript fails the test."""
    windows = []
    broken: list[str] = []

    def make(**options: Any) -> Page:
        windows.append(browser.new_context(base_url=prepared.url, viewport=DESKTOP, **options))
        page = windows[-1].new_page()
        page.on("pageerror", lambda error: broken.append(str(error)))
        page.goto("/admin/")
        page.get_by_label("User name or email address").fill(names_of_moderators.pop())
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        return page

    yield make
    for window in windows:
        window.close()
    assert broken == []


def names(page: Page) -> list[str]:
    """The names on the page as it is now."""
    return page.locator(NAMES).all_inner_texts()


def expect_names(page: Page, *expected: str) -> None:
    """Waits until these are on the page, and no other."""
    expect(page.locator(NAMES)).to_have_text([*expected])


def decide_twenty(page: Page) -> float:
    """Decides the current row and those after it by keyboard. Returns the seconds until the page shows all of it."""
    began = time.monotonic()
    for number in range(20):
        if number == 10:
            page.keyboard.press("r")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Enter")
        elif number == 15:
            page.keyboard.press("h")
            page.keyboard.type("ask Hanna")
            page.keyboard.press("Enter")
        else:
            page.keyboard.press("a")
    expect(page.locator("tr.decided .outcome button")).to_have_count(20)
    return time.monotonic() - began


def test_twenty_are_decided_by_keyboard_in_ten_seconds_and_the_cursor_keeps_its_place(
    browser: Browser, prepared: LiveSite
) -> None:
    page = log_in_with_factor(browser, prepared)
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    current = page.locator("tr.current a").first
    for attempt in range(3):  # a machine may stand still for a moment
        name = f"Unflagged{attempt}"
        seed(prepared, name, 22, [])
        page.goto(QUEUE)
        expect(current).to_have_text(f"{name} 0")
        loads.clear()
        page.keyboard.press("j")  # the first one is skipped on purpose
        if (seconds := decide_twenty(page)) < 10:
            break
    assert seconds < 10
    expect(current).to_have_text(f"{name} 21")
    undecided = {f"{name} 0", f"{name} 21"}
    assert [row for row in names(page) if row in undecided] == [f"{name} 0", f"{name} 21"]
    states = "SELECT state, count(*) FROM signatures_signature WHERE name LIKE %s GROUP BY 1 ORDER BY 1"
    assert prepared.sql(states, [f"{name} %"]) == [("approved", 18), ("rejected", 1), ("waiting", 3)]

    page.keyboard.press("u")
    expect(page.locator("tr.decided")).to_have_count(19)
    expect(current).to_have_text(f"{name} 20")
    page.locator("tr.decided .outcome button").first.click()
    expect(page.locator("tr.decided")).to_have_count(18)
    expect(current).to_have_text(f"{name} 1")
    page.get_by_text("Undo history").click()
    expect(page.locator(".history-list li")).to_have_count(min(20 * attempt + 18, 20))  # no more are shown
    page.keyboard.press("s")
    expect(page.locator(".side-panel h2")).to_have_text(f"{name} 1")
    assert loads == [], "nothing of it loads the page"
    page.reload()
    expect(page.locator("tr.current a").first).to_have_text(f"{name} 0")
    expect_names(page, *(f"{name} {number}" for number in (0, 1, 20, 21)))
    page.context.close()


def test_what_could_not_be_saved_is_said_in_its_row_and_nothing_looks_decided(
    moderator: Moderator, prepared: LiveSite, names_of_moderators: list[str]
) -> None:
    seed(prepared, "Offline", 2, ["link"])
    name = names_of_moderators[-1]
    page = moderator()
    page.goto(QUEUE)
    current = page.locator("tr.current a").first
    page.context.set_offline(True)
    page.keyboard.press("a")
    expect(page.locator(".said")).to_contain_text("Not saved")
    expect(page.locator("tr.decided")).to_have_count(0)
    expect(current).to_have_text("Offline 0")

    page.context.set_offline(False)
    page.keyboard.press("a")
    expect(page.locator("#content [data-results]").first).to_have_text("1 result")
    page.keyboard.press("u")
    expect(page.locator(".tools .said")).to_have_text("1 decision undone.")
    expect(page.locator("#content [data-results]").first).to_have_text("2 results")
    page.keyboard.press("h")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Held (1)")).to_be_visible()
    expect(page.locator(".progress")).to_contain_text(name)
    expect(page.locator(".tools .said")).to_have_count(0)


def test_a_key_that_follows_a_note_at_once_decides_the_next_row(moderator: Moderator, prepared: LiveSite) -> None:
    seed(prepared, "Quick", 2, [])
    page = moderator()
    page.goto(QUEUE)
    page.keyboard.press("h")
    page.evaluate(
        """() => {  // in one task: no event of the dialog comes between them
            document.querySelector("dialog[open] [value=go]").click()
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }))
        }"""
    )
    expect(page.locator("tr.decided .outcome button")).to_have_count(2)
    assert page.locator("tr.decided .outcome").evaluate_all("all => all.map(one => one.firstChild.data)") == [
        "Held", "Approved",
    ]  # fmt: skip


def cramped_headings(page: Page) -> list[str]:
    """Returns the headings of columns that reach into the next one."""
    cramped = "heads => heads.filter(head => head.scrollWidth > head.clientWidth).map(head => head.innerText)"
    found: list[str] = page.locator("#result_list thead th:visible").evaluate_all(cramped)
    return found


def test_who_asks_a_signer_or_decides_several_keeps_the_place_and_loads_no_page(
    moderator: Moderator, prepared: LiveSite
) -> None:
    seed(prepared, "Unclear", 5, ["link"])
    page = moderator()
    page.goto(QUEUE)
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    current = page.locator("tr.current a").first
    page.locator("input.action-select").last.click()
    for key in "jjq":  # two are skipped on purpose
        page.keyboard.press(key)
    expect(page.locator("input.action-select:checked")).to_have_count(1)
    question = page.locator("select[name=question]")
    expect(question).to_be_focused()
    page.get_by_role("button", name="Run").click()
    expect(question).to_be_focused()  # nothing is asked without a question
    question.select_option(index=1)
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".tools .said")).to_have_text(
        "1 signer asked.1 of them cannot be emailed, because no address is kept: their personal page alone asks."
    )
    expect(page.get_by_role("link", name="Asked (1)")).to_be_visible()
    expect(page.locator("tr.decided .outcome")).to_have_text("Asked")
    expect(current).to_have_text("Unclear 3")

    for key in "xjx":
        page.keyboard.press(key)
    page.locator("select[name=action]").select_option("approve")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".tools .said")).to_have_text("2 signatures changed.")
    expect(page.locator(".page-done")).to_contain_text("2 above are left.")
    expect(page.get_by_role("link", name="Go on with the next page")).to_be_focused()
    expect(page.locator(".actions").first).to_be_hidden()
    page.get_by_role("button", name="Undo all 2").first.click()
    expect(page.locator("tr.decided")).to_have_count(1)
    expect(page.locator(".page-done")).to_be_hidden()
    page.get_by_text("Undo history").click()
    page.get_by_text("Filters", exact=True).click()
    expect(page.locator("#undo-history")).to_be_hidden()  # it would lie under the filters
    assert loads == [], "nothing of it loads the page"
    page.goto(f"{QUEUE}?tab=asked")
    expect_names(page, "Unclear 2")
    for width in (1280, 1000):
        page.set_viewport_size({"width": width, "height": 800})
        assert cramped_headings(page) == []


def test_without_script_each_button_works_and_loads_the_page(moderator: Moderator, prepared: LiveSite) -> None:
    seed(prepared, "Plain", 3, ["rate"])
    page = moderator(java_script_enabled=False)
    page.goto(QUEUE)
    page.get_by_role("button", name="Approve").first.click()
    expect(page.locator(".messagelist")).to_contain_text("1 signature changed.")
    page.locator("select[name=reason]").select_option(index=1)
    page.get_by_role("button", name="Reject").first.click()
    expect_names(page, "Plain 2")
    page.get_by_text("Undo history").click()
    page.locator("#undo-history button").last.click()
    expect_names(page, "Plain 0", "Plain 2")
    page.get_by_role("link", name="Plain 0").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Hold").click()
    assert page.url.endswith("/change/")
    page.goto(f"{QUEUE}?tab=held")
    expect_names(page, "Plain 0")


def test_two_moderators_read_different_pages(
    moderator: Moderator, prepared: LiveSite, names_of_moderators: list[str]
) -> None:
    seed(prepared, "Shared", 60, [])
    name = names_of_moderators[-1]
    first, second = moderator(), moderator()
    first.goto(QUEUE)
    second.goto(QUEUE)
    assert len(names(first)) == 50 and len(names(second)) == 10 and not {*names(first)} & {*names(second)}
    expect(second.locator(".open-page")).to_contain_text(f"{name} is reading 50 of them until")
    second.goto(f"{QUEUE}?tab=batch")
    second.locator(".batch label").first.click()
    second.get_by_role("button", name="Approve this page").click()
    expect(second.locator(".batch")).to_have_count(0)
    expect(second.get_by_role("link", name="Held (1)")).to_be_visible()


def test_fifteen_rows_stand_on_a_laptop_and_no_width_is_too_small(moderator: Moderator, prepared: LiveSite) -> None:
    seed(prepared, "Dense", 30, ["rate", "similar"])
    alike = "mailbox = 'm', network = 'n', comment = 'Act now', name_key = 'dense'"
    prepared.sql(f"UPDATE signatures_signature SET {alike} WHERE starts_with(name, 'Dense')")
    page = moderator()
    page.goto(QUEUE)
    page.locator(".alarms").evaluate_all("alarms => alarms.forEach(one => one.remove())")  # what other tests did
    boxes = page.locator("#result_list tbody tr").evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect().bottom)"
    )
    assert len([bottom for bottom in boxes if bottom <= DESKTOP["height"]]) >= 15
    expect(page.locator(".actions").first).to_be_hidden()
    page.keyboard.press("x")
    expect(page.locator(".actions").first).to_be_visible()
    flag = page.locator(".flag").first
    expect(flag.get_by_role("tooltip", include_hidden=True)).to_be_hidden()
    flag.focus()
    expect(flag.get_by_role("tooltip")).to_contain_text("Too many sign-ups came at once")
    prepared.sql("UPDATE signatures_signature SET name = %s WHERE name = 'Dense 0'", [LONG])
    for width in (1280, 1160, 1150, 1024, 1000, 768, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(QUEUE)
        page.locator("tr", has_text=LONG).get_by_role("button", name="Approve").click(trial=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cramped_headings(page) == []


def test_the_start_page_and_every_page_of_the_queue_can_be_used_at_390_pixels(
    moderator: Moderator, prepared: LiveSite
) -> None:
    seed(prepared, "Narrow", 3, [])
    page = moderator()
    page.goto(QUEUE)
    page.keyboard.press("h")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Held (1)")).to_be_visible()
    of_one = page.locator("#result_list tbody td.field-who a").last.get_attribute("href") or ""
    for width in (768, 390):
        page.set_viewport_size({"width": width, "height": 800})
        for address in ("/admin/", f"{QUEUE}?tab=batch", f"{QUEUE}?tab=held", of_one):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        boxes = page.locator(".actions :is(select, input[type=text])").evaluate_all(
            "fields => fields.map(field => field.getBoundingClientRect().width)"
        )
        assert len(boxes) == 3 and min(boxes) >= 120
