"""The embed on another site, as the documented code includes it and in a stricter sandbox."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.live_site import LiveSite

LETTER = "/letters/xi-jinping-2013/"
HEAD = '<!doctype html><html lang="en"><title>News</title><link rel="icon" href="data:,"><h1>News</h1>'
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


class Newspaper(ThreadingHTTPServer):
    """Pages of another site by path: their content and headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Paper)
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.url = f"http://127.0.0.1:{self.server_port}"  # not `localhost`, where our site is: another site altogether


class Paper(BaseHTTPRequestHandler):
    server: Newspaper

    def do_GET(self) -> None:
        body, headers = self.server.pages[self.path]
        self.send_response(200)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write((HEAD + body).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        """Nothing."""


@pytest.fixture
def newspaper() -> Iterator[Newspaper]:
    with Newspaper() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    """On a phone; every complaint of the browser fails the test."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []
    assert context.cookies() == []
    context.close()


def test_the_embed_works_on_another_site_and_its_button_opens_the_letter(
    site: LiveSite, newspaper: Newspaper, reader: Page
) -> None:
    reader.goto(f"{site.url}{LETTER}tell/")
    lines = reader.locator("pre code").inner_text()
    newspaper.pages["/"] = lines, {}
    newspaper.pages["/isolated"] = f'<iframe title="Letter" src="{site.url}{LETTER}embed/"></iframe>', ISOLATED
    for path in ("/", "/isolated"):
        reader.goto(f"{newspaper.url}{path}")
        frame = reader.frame_locator("iframe")
        expect(frame.get_by_role("heading", level=1)).to_contain_text("A letter to President Xi Jinping")
        button = frame.get_by_role("link", name="Read and sign")
        expect(button).to_have_css("background-color", "rgb(122, 31, 31)")  # the sheet came, too
        with reader.context.expect_page() as open_details:
            button.click()
        letter = open_details.value
        expect(letter).to_have_url(f"{site.url}{LETTER}")
        expect(letter.get_by_role("button", name="Sign")).to_be_visible()
        assert letter.evaluate("window.top === window && window.opener === null")
        expect(reader).to_have_url(f"{newspaper.url}{path}")
        letter.close()


def test_the_embed_fits_its_height_and_passes_axe_in_both_themes(
    site: LiveSite, newspaper: Newspaper, reader: Page
) -> None:
    reader.goto(f"{site.url}{LETTER}embed/")
    for scheme in ("light", "dark"):
        reader.emulate_media(color_scheme=scheme)
        assert Axe().run(reader).response["violations"] == []
    for width in (320, 640):
        reader.set_viewport_size({"width": width, "height": 320})
        page = "document.documentElement"
        assert reader.evaluate(f"{page}.scrollWidth <= {width} && {page}.scrollHeight <= 320"), width


def test_no_other_page_can_be_embedded(site: LiveSite, newspaper: Newspaper, browser: Browser) -> None:
    newspaper.pages["/"] = f'<iframe title="Letter" src="{site.url}{LETTER}"></iframe>', {}
    page = browser.new_page()
    with page.expect_console_message(lambda line: "frame-ancestors" in line.text):
        page.goto(newspaper.url)
    expect(page.frame_locator("iframe").get_by_text("President Xi Jinping")).to_have_count(0)
    page.close()
