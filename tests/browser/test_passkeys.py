"""Passkeys in Chromium, with the virtual authenticator of its developer tools."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Page, expect

from tests.browser.staff_sessions import PASSWORD
from tests.browser.test_kept_forms import sign_in
from tests.live_site import LiveSite

SECURITY_KEY = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}


class Device:
    """A window of its own with a security key in it."""

    def __init__(self, browser: Browser, site: LiveSite, origin: str = "") -> None:
        self.context = browser.new_context(base_url=origin or site.url)
        self.page = self.context.new_page()
        self.refused: list[str] = []
        self.page.on("console", self._note)
        self.cdp: CDPSession = self.context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable")
        self.plug_in()

    def _note(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.refused.append(message.text)

    def plug_in(self) -> None:
        self.key = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": SECURITY_KEY})["authenticatorId"]

    def passkey(self) -> dict[str, Any]:
        [passkey] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.key})["credentials"]
        return dict(passkey)

    def clone(self, passkey: dict[str, Any]) -> None:
        """Plug in another key in place of this one, with a copy of the passkey as it was then."""
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.key})
        self.plug_in()
        self.cdp.send("WebAuthn.addCredential", {"authenticatorId": self.key, "credential": passkey})

    def give_password(self, name: str) -> Page:
        self.page.goto("/admin/")
        sign_in(self.page, name)
        return self.page

    def log_out(self) -> None:
        self.page.goto("/admin/")
        self.page.get_by_role("button", name="Log out").click()


@pytest.fixture
def open_device(browser: Browser, site: LiveSite) -> Iterator[Callable[..., Device]]:
    devices: list[Device] = []

    def make(origin: str = "") -> Device:
        devices.append(Device(browser, site, origin))
        return devices[-1]

    yield make
    for device in devices:
        device.context.close()


@pytest.fixture
def owner(site: LiveSite) -> str:
    """The name of an owner without a second factor."""
    return str(site.python("tests.browser.staff_sessions", "make_staff('owner')"))


def add_passkey(page: Page, name: str) -> None:
    page.goto("/admin/second-factor/new/")
    page.get_by_label("Name of the passkey").fill(name)
    page.get_by_role("button", name="Make a passkey").click()


def test_A2_a_passkey_is_made_used_and_its_clone_refused(
    open_device: Callable[..., Device], site: LiveSite, owner: str
) -> None:
    device = open_device()
    page = device.give_password(owner)
    add_passkey(page, "Blue key")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    early = device.passkey()

    for _time in range(2):
        device.log_out()
        device.give_password(owner)
        expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("link", name="Second factor")).to_be_visible()

    site.python("tests.browser.staff_sessions", f"make_stale({owner!r})")
    page.goto("/admin/auth/user/add/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Please sign in again")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in with your passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add user")

    device.log_out()
    device.clone(early)
    device.give_password(owner)
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.locator(".messagelist")).to_contain_text("This passkey was not accepted")
    page.goto("/admin/signatures/signature/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    assert device.refused == []


def test_a_second_passkey_is_added_and_the_removed_one_opens_nothing(
    open_device: Callable[..., Device], owner: str
) -> None:
    old, new = open_device(), open_device()
    page = old.give_password(owner)
    add_passkey(page, "Old laptop")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    kept = old.passkey()
    add_passkey(page, "Old laptop again")
    expect(page.get_by_role("alert")).to_have_text("There is a passkey for your account on this device already.")
    old.clone(kept)  # the person unplugs the old key, plugs in the new one, and goes back
    old.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": old.key})
    old.plug_in()
    add_passkey(page, "New phone")
    expect(page.locator(".messagelist")).to_contain_text("The passkey was added.")
    expect(page.locator(".factors li")).to_have_count(2)

    page.locator(".factors li", has_text="Old laptop").get_by_role("link", name="Remove").click()
    expect(page.locator("#content")).to_contain_text("The passkey Old laptop will no longer sign you in here.")
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")  # this session began with the old one
    page.get_by_role("button", name="Use your passkey").click()
    page.get_by_role("link", name="Second factor").click()
    expect(page.locator(".factors li")).to_have_count(1)

    stranger = new.give_password(owner)
    new.clone(kept)
    stranger.get_by_role("button", name="Use your passkey").click()
    expect(stranger.get_by_role("alert")).to_contain_text("No passkey was used.")
    assert old.refused == new.refused == []


def test_A1_no_passkey_is_offered_or_given_at_another_address(
    open_device: Callable[..., Device], site: LiveSite, owner: str
) -> None:
    at_home = open_device()
    add_passkey(at_home.give_password(owner), "Blue key")
    elsewhere = open_device(site.url.replace("localhost", "127.0.0.1"))
    page = elsewhere.give_password(owner)
    expect(page.locator("#content")).to_contain_text(f"Your passkey works only at {site.url}. Here, enter a code.")
    expect(page.get_by_role("button", name="Use your passkey")).to_have_count(0)
    error = page.evaluate(
        """navigator.credentials.get({publicKey: {challenge: new Uint8Array(32), rpId: "localhost"}})
           .then(() => "given", (problem) => problem.name)"""
    )
    assert error in {"SecurityError", "NotAllowedError", "TypeError"}


def test_without_javascript_a_code_is_asked_for(browser: Browser, site: LiveSite, owner: str) -> None:
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/admin/second-factor/new/")
    sign_in(page, owner)
    page.goto("/admin/second-factor/new/")
    expect(page.get_by_role("button", name="Make a passkey")).to_be_hidden()
    expect(page.locator("#content")).to_contain_text("A passkey needs JavaScript")
    expect(page.get_by_label("Code")).to_be_visible()
    context.close()
