"""Where the pictures of the documentation are taken: a served site, its people, and a browser. See docs_pictures.py."""

import html
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.live_site import LiveSite, body_of, free_port
from tests.prepared import BASE

PICTURES = BASE / "docs" / "_images"
PASSWORD = "a long enough password"  # of every member of staff
DESKTOP = ViewportSize(width=1280, height=800)
MARGIN = 16  # pixels around what a picture shows, unless that is padded itself
PADDED = ("#content", "#container")
COLORS = 96
FIRST_START = "tour-serve"  # a picture of what a site says that starts for the first time
PATIENCE = 120_000  # milliseconds for one step, on a machine that does other work, too


def file_of(name: str, folder: Path = PICTURES) -> Path:
    """Returns where a picture is written: that of README beside the folder of the others."""
    return folder.parent / "letter.png" if name == "letter" else folder / f"{name}.png"


@dataclass
class Studio:
    """A served site with its people, and the browser that looks at it."""

    browser: Browser
    site: LiveSite
    folder: Path
    wanted: frozenset[str]
    signatures: int = 4000
    taken: list[str] = field(default_factory=list)
    _pages: dict[str, Page] = field(default_factory=dict)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The rows of the fixture, made when a scene first needs them."""
        self.site.run("make_signatures", str(self.signatures), "--seed", "7")
        return dict(self.python(f"build({PASSWORD!r})"))

    def python(self, call: str) -> Any:
        return self.site.python("tests.browser.docs_fixture", call)

    def public(self) -> Page:
        """The window of a reader."""
        return self._page("")

    def staff(self, name: str) -> Page:
        """The window of a member of staff, who is logged in."""
        assert self.numbers
        is_new = name not in self._pages
        page = self._page(name)
        if is_new:
            page.goto("/admin/")
            page.fill("[name=username]", name)
            page.fill("[name=password]", PASSWORD)
            page.click("[type=submit]")
        return page

    def _page(self, name: str) -> Page:
        if name not in self._pages:
            window = self.browser.new_context(
                base_url=self.site.url, viewport=DESKTOP, color_scheme="light", locale="en-US", timezone_id="UTC"
            )
            window.set_default_timeout(PATIENCE)
            self._pages[name] = window.new_page()
        return self._pages[name]

    def close(self) -> None:
        for page in self._pages.values():
            page.context.close()

    def take(self, name: str, page: Page, of: str = "", *, most: int = 800) -> None:
        """Writes a picture of the window, or of what this selector finds and at most so many pixels down."""
        self.taken.append(name)
        if name not in self.wanted:
            return
        page.mouse.move(0, 0)
        shot = page.screenshot(animations="disabled", full_page=bool(of), clip=_clip(page, of, most) if of else None)
        file = file_of(name, self.folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE).save(file, optimize=True)


BOXES = """parts => {
    const boxes = parts.map(part => part.getBoundingClientRect()).filter(box => box.width && box.height);
    const of = (how, edge) => Math[how](...boxes.map(box => box[edge]));
    return [of('min', 'left') + scrollX, of('min', 'top') + scrollY, of('max', 'right') + scrollX, of('max', 'bottom') + scrollY];
}"""


def _clip(page: Page, of: str, most: int) -> Any:
    expect(page.locator(of).first).to_be_visible()
    left, top, right, bottom = page.locator(of).evaluate_all(BOXES)
    width = page.viewport_size["width"] if page.viewport_size else right
    margin = 0 if of in PADDED else MARGIN
    x, y = max(0, left - margin), max(0, top - margin)
    return {"x": x, "y": y, "width": min(right + margin, width) - x, "height": min(bottom + margin - y, most)}


@contextmanager
def open_studio(browser: Browser, names: Iterable[str], folder: Path, **options: Any) -> Iterator[Studio]:
    """A site of its own for these pictures, gone afterwards."""
    wanted = frozenset(names)
    with LiveSite.temporary(free_port(), is_prepared=FIRST_START not in wanted) as site:
        made = Studio(browser, site, folder, wanted, **options)
        yield made
        made.close()


# What is no page of ours: a terminal, and an email program.

TERMINAL = """<body style="margin:0;background:#fff"><pre style="margin:16px;padding:16px 20px;width:1000px;white-space:pre-wrap;
background:#16202b;color:#e8edf2;border-radius:8px;font:15px/1.5 'DejaVu Sans Mono',monospace">%s</pre>"""
MAIL = """<body style="margin:0;background:#fff;font:15px sans-serif"><main style="width:760px;margin:16px;border:1px solid #b8c0c8;
border-radius:8px;overflow:hidden"><p style="margin:0;padding:12px 20px;background:#eef1f4;line-height:1.6">
<b>%s</b><br>From: %s<br>To: %s</p><iframe srcdoc="%s" style="width:100%%;height:%dpx;border:0"></iframe></main>"""


def terminal(studio: Studio, name: str, lines: Iterable[str]) -> None:
    page = studio.public()
    page.goto("about:blank")  # a page of the site would lend its content security policy
    page.set_content(TERMINAL % html.escape("\n".join(lines)))
    studio.take(name, page, "pre")


def mail(studio: Studio, name: str, to: str, *, height: int) -> None:
    """A picture of the newest email to an address."""
    newest = studio.site.messages(to)[-1]
    text = re.sub(r"localhost:\d+", "localhost:8000", body_of(newest, "html"))
    heads = (html.escape(str(newest[key])) for key in ("Subject", "From", "To"))
    page = studio.public()
    page.goto("about:blank")
    page.set_content(MAIL % (*heads, html.escape(text), height))
    studio.take(name, page, "main")
