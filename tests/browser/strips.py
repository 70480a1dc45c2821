"""The way of a supporter as strips of screenshots, and its times on a slow phone: `python -m tests.browser.strips FOLDER`.

Three flows (public, delivery only, counted), each at 360 pixels in three languages: letter, form, email page, email,
confirmation, thanks. Times are medians over visits with an empty cache, at 400 kbit/s, 300 ms and a sixth of the
processor. Beside them those of a page of one sentence from the same site: what network and browser take by themselves.
"""

import html
import statistics
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
KBITS, LATENCY_MS, SLOWER, VISITS = 400, 300, 6, 5
YARDSTICK = "/healthz"
# The form is usable once it can be seen and its script has run.
USABLE = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
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


def usable_after(browser: Browser, site: LiveSite, path: str) -> float:
    """Returns the milliseconds from the tap on a link to a page that can be used, on a slow phone."""
    context = browser.new_context(base_url=site.url, viewport=PHONE)
    page = context.new_page()
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": KBITS * 125,
            "uploadThroughput": KBITS * 125,
        },
    )
    wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(path, wait_until="load", timeout=60_000)
    found = float(page.evaluate(USABLE))
    context.close()
    return found


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with LiveSite.temporary(free_port()) as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        paths = {name: f"{LANGUAGES[name]}{LETTER}" for name in NAMES} | {"one sentence": YARDSTICK}
        times: dict[str, list[float]] = {name: [] for name in paths}
        for _visit in range(VISITS):
            for name, path in paths.items():
                times[name].append(usable_after(browser, site, path))
        for name, found in times.items():
            print(f"{name:>12}: usable after {statistics.median(found) / 1000:.2f} s (median of {VISITS})")
        for language in NAMES:
            for flow in FLOWS:
                join(browser, f"strip-{language}-{flow}", film(browser, site, language, flow, folder), folder)
    print(f"{len(NAMES) * len(FLOWS)} strips; open {folder}/strip-en-public.png and the others")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
