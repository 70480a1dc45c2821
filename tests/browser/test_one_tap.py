"""On a phone: the page that waits for the email, and from the email to a counted signature with one tap."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.live_site import LiveSite

LETTER = "/letters/xi-jinping-2013/"
PHONE: Any = {"width": 360, "height": 740}
LONGEST = 200  # characters of a name
NAMES = {
    "changed": ("", "Ada Lovelase"),
    "en": ("", "Ada Lovelace"),
    "ko": ("/ko", "김철수"),
    "longest": ("", "Maria-Magdalena Wolfeschlegelsteinhausen " * 4 + "von Bergerdorff und zu Wittgenstein"),
    "longest-ko": ("/ko", "김수한무거북이와두루미 " * 16 + "삼천갑자동방삭"),
    "longest-ar": ("/ar", "محمد عبد الرحمن بن عبد الله " * 7),
    "fullest": ("", "Maria-Magdalena Wolfeschlegelsteinhausen " * 4 + "von Bergerdorff und zu Wittgenstein"),
    "fullest-ja": ("/ja", "寿限無寿限無五劫の擦り切れ" * 15),
    "delivery": ("/fr", "Ada Lovelace"),
    "counted": ("/es", ""),
    "organization": ("", "Guild of Bakers"),
}
FIELDS: dict[str, dict[str, str]] = {  # beyond the name
    "fullest": {"role": "vice president of rivers and lakes " * 5, "organization": "Federation of the North " * 8, "country": "BO"},
    "fullest-ja": {"role": "河川湖沼湿地保護協会副会長" * 15, "organization": "国際北方諸国連合会議事務局" * 15, "country": "JP"},
    "delivery": {"visibility": "delivery"},
    "counted": {"visibility": "counted", "country": "KR"},
    "organization": {"kind": "organization", "spokesperson": "Dora Maar, chair"},
}  # fmt: skip


@pytest.fixture
def context(browser: Browser, site: LiveSite) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=site.url, viewport=PHONE)
    yield context
    context.close()


def sign(context: BrowserContext, who: str) -> None:
    prefix, name = NAMES[who]
    assert len(name) <= LONGEST
    page = context.new_page()
    page.goto(f"{prefix}{LETTER}")
    text = page.locator("input[name=text]").input_value()
    form: Any = {"name": name, "email": f"tap-{who}@example.org", "visibility": "public", "consent": "on", "text": text}
    form |= FIELDS.get(who, {})
    assert context.request.post(f"{prefix}{LETTER}sign/", form=form, max_redirects=0).status == 303
    page.close()


def test_what_is_signed_and_one_button_are_on_the_first_screen_and_one_tap_counts(
    context: BrowserContext, site: LiveSite
) -> None:
    names = {who: name for who, name in NAMES.items() if who != "changed"}  # which another test signs with
    for who in names:
        sign(context, who)
    page = context.new_page()
    for who, (_prefix, name) in names.items():
        page.goto(site.wait_for_mail(f"tap-{who}@example.org"))
        words, button = page.locator(".as-entered .lead"), page.locator("button[value=confirm]:visible")
        expect(button).to_have_count(1)
        expect(words).to_contain_text(name.strip())
        expect(words.locator(".letter-title")).to_be_visible()
        if who == "en":
            expect(words).to_contain_text(
                "for everyone to see, here and in the delivered letter, under the English letter"
            )
            expect(button).to_have_text("Yes, put my name under this letter")
        if who == "fullest-ja":  # at 400 % zoom a screen of 1280 x 1024 is as low, and nothing may lie over the words
            page.set_viewport_size({"width": 320, "height": 256})
            assert button.evaluate("node => getComputedStyle(node).position") == "static"
            page.set_viewport_size(PHONE)
            assert button.evaluate("node => getComputedStyle(node).position") == "sticky"
        # 600 characters of kanji do not fit beside anything: they begin on the first screen.
        for part in (words.locator("strong"), button) if who == "fullest-ja" else (words, button):
            box = part.bounding_box()
            assert box and box["y"] >= 0 and box["y"] + box["height"] <= PHONE["height"], f"{who}: {box}"
        button.click()
        expect(page.locator(".manage")).to_be_visible()
        rows = site.sql(
            "SELECT name, state FROM signatures_signature WHERE name = %s ORDER BY confirmed_at DESC LIMIT 1",
            [name.strip()],
        )  # another test may have the same name
        # Without words there is nothing to review, unless there is a flag.
        assert rows[0][1] in ({"waiting"} if name else {"waiting", "approved"}), who


def test_while_something_is_changed_only_the_changed_words_can_be_sent(context: BrowserContext, site: LiveSite) -> None:
    sign(context, "changed")
    page = context.new_page()
    page.goto(site.wait_for_mail("tap-changed@example.org"))
    page.get_by_text("Change something").click()
    expect(page.locator(".as-entered")).to_be_hidden()
    page.get_by_label("Your name").fill("")
    page.locator("button[value=confirm]:visible").click()
    expect(page.locator("#problems")).to_be_visible()
    page.get_by_label("Your name").fill("Ada Lovelace King")
    page.locator("button[value=confirm]:visible").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Thank you")
    assert site.sql("SELECT 1 FROM signatures_signature WHERE name = 'Ada Lovelace King'") == [(1,)]


# While the email is on its way

TRACES = "() => JSON.stringify([location.href, window.name, document.cookie, {...localStorage}, {...sessionStorage}])"


def fill_in(page: Page, address: str) -> None:
    page.goto(LETTER)
    page.check("[name=visibility][value=public]")
    page.fill("[name=name]", "Grace Hopper")
    page.fill("[name=email]", address)
    page.check("[name=consent]")
    page.locator("aside.sign form button:not([hidden]):not([name])").last.click()
    page.wait_for_url("**/check-mail/")


def test_the_page_knows_the_address_from_the_tab_alone_and_forgets_it(context: BrowserContext, site: LiveSite) -> None:
    page = context.new_page()
    page.clock.install()
    fill_in(page, "grace@gmail.com")
    expect(page.locator("[data-address]")).to_have_text("grace@gmail.com")
    expect(page.locator("[data-inbox] a")).to_have_attribute("href", "https://mail.google.com")
    assert "grace" not in page.evaluate(TRACES).lower()
    again = page.get_by_role("button", name="Send it again")
    expect(again).to_be_disabled()
    page.clock.fast_forward(61_000)
    again.click()
    page.wait_for_url("**/my-link/sent/")

    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    assert "grace" not in page.content()
    expect(page.get_by_text("We are sending an email to the address you entered.")).to_be_visible()


@pytest.mark.parametrize(
    "typed", ["<ada@gmail.com>", "mailto:ada@gmail.com", "ada＠gmail.com,", "Ada <ada@gmail.com>."]
)
def test_the_page_shows_the_address_that_the_email_goes_to(context: BrowserContext, typed: str) -> None:
    page = context.new_page()
    page.goto("/letters/xi-jinping-2013/check-mail/")
    page.evaluate("typed => { window.name = `sent:${JSON.stringify([['email', typed]])}` }", typed)
    page.reload()
    expect(page.locator("[data-address]")).to_have_text("ada@gmail.com")
    expect(page.locator("[data-inbox] a")).to_have_attribute("href", "https://mail.google.com")


def test_a_wrong_address_is_corrected_with_what_was_typed(context: BrowserContext, site: LiveSite) -> None:
    page = context.new_page()
    fill_in(page, "hoper@example.org")
    page.get_by_text("The address is wrong").click()
    page.fill("#right-address", "<hopper@example.org>")  # as people paste it
    page.get_by_role("button", name="Send it to this address").click()
    expect(page.locator("[data-address]")).to_have_text("hopper@example.org")
    page.evaluate("dispatchEvent(new Event('pagehide'))")  # the browser may keep the page for the Back button
    assert "hopper" not in page.content().lower() and page.locator("#right-address").input_value() == ""
    page.goto(site.wait_for_mail("hopper@example.org"))
    expect(page.locator(".as-entered")).to_contain_text("Grace Hopper")
