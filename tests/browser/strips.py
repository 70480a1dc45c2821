"""The way of a supporter as strips of screenshots: `python -m tests.browser.strips FOLDER`.

Three flows (public, delivery only, counted), each at 360 pixels in three languages: letter, form, email page, email,
confirmation, thanks.
"""

import html
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.pages import LANGUAGES, LETTER
from tests.live_site import LiveSite, body_of, free_port

PHONE: Any = {"width": 360, "height": 740}
FLOWS = ("public", "delivery", "counted")
NAMES = {"en": "Ada Lovelace", "ko": "김민준", "ar": "ليلى حداد"}
STYLE = "body { margin: 0; background: #888; display: flex; gap: 8px; padding: 8px; } img { inline-size: 300px; align-self: start; }"


def film(browser: Browser, site: LiveSite, language: str, flow: str, folder: Path) -> list[Path]:
    """Signs and confirms once. Returns the screenshots, in their order."""
    context = browser.new_context(base_url=site.url, viewport=PHONE, device_scale_factor=2)
    page, shots = context.new_page(), list[Path]()

    def shoot() -> None:
        shots.append(folder / f"{language}-{flow}-{len(shots) + 1}.png")
        page.screenshot(path=shots[-1])

    address = f"{flow}-{language}@example.org"
    page.goto(f"{LANGUAGES[language]}{LETTER}")
    shoot()
    page.locator(".sticky-bar a").click()
    page.locator(f"input[name=visibility][value={flow}]").check()
    if flow != "counted":
        page.locator("#id_name").fill(NAMES[language])
    page.locator("#id_email").fill(address)
    shoot()
    page.locator("#id_consent").check()
    page.locator("form[data-draft] > [type=submit]:not([hidden])").scroll_into_view_if_needed()
    shoot()
    with page.expect_navigation():
        page.locator("form[data-draft] > [type=submit]:not([hidden])").click()
    shoot()
    link = site.wait_for_mail(address)
    shots.append(folder / f"{language}-{flow}-email.png")
    show_email(browser, site, address, shots[-1])
    page.goto(link)
    shoot()
    with page.expect_navigation():
        page.locator("button[value=confirm]:visible").click()
    shoot()
    context.close()
    return shots


def show_email(browser: Browser, site: LiveSite, address: str, file: Path) -> None:
    """Takes the email in a window of its own: the pages of the site forbid the styles inside emails."""
    message = site.messages(address)[-1]
    head = "".join(
        f"<p>{html.escape(name)}: <b>{html.escape(str(message[name]))}</b></p>" for name in ("From", "Subject")
    )
    page = browser.new_page(viewport=PHONE, device_scale_factor=2)
    page.set_content(body_of(message, "html"))
    page.evaluate("head => document.body.insertAdjacentHTML('afterbegin', head)", head)
    page.screenshot(path=file)
    page.close()


def join(browser: Browser, name: str, shots: list[Path], folder: Path) -> None:
    page = browser.new_page(viewport={"width": 308 * len(shots) + 8, "height": 640})
    sheet = folder / f"{name}.html"
    sheet.write_text(f"<style>{STYLE}</style>" + "".join(f'<img src="{shot.name}" alt="">' for shot in shots))
    page.goto(sheet.absolute().as_uri())
    page.screenshot(path=folder / f"{name}.png", full_page=True)
    page.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with LiveSite.temporary(free_port()) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for language in NAMES:
            for flow in FLOWS:
                join(browser, f"strip-{language}-{flow}", film(browser, site, language, flow, folder), folder)
    print(f"{len(NAMES) * len(FLOWS)} strips; open {folder}/strip-en-public.png and the others")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
