"""The pictures of the documentation: `python -m tests.browser.docs_pictures [NAME …]`.

Starts a site, fills it with made-up people, and takes one picture for each place of the pages that shows one. The
pictures are written into `docs/_images/`; the browser tests take some of them, too.
"""

import html
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.live_site import BASE, LiveSite, free_port

DOCS = BASE / "docs"
PASSWORD = "a long enough password"  # of every member of staff
LETTER = "/letters/xi-jinping-2013/"
ADMIN = "/admin/signatures/"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}
MARGIN = 16  # pixels around what a picture shows, unless that is padded itself
PADDED = ("#content", "#container")
COLORS = 96
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
PAPER = """name,role,organization,country,visibility,signed_on,sheet
Ingrid Bergström,Nurse,,SE,public,2026-05-02,Uppsala 1
Ólafur Jónsson,Fisherman,,IS,,2026-05-02,Uppsala 1
Ingrid Bergström,Nurse,,SE,public,2026-05-02,Uppsala 2
,Baker,,SE,,2026-05-02,Uppsala 2
Nguyễn Thị Minh,Teacher,Lotus School,VN,public,2026-05-03,Malmö 1
Amara Okafor,,,Nigeria,,2026-05-03,Malmö 1
"""


def file_of(name: str, folder: Path = DOCS / "_images") -> Path:
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

    def public(self, size: dict[str, int] = DESKTOP) -> Page:
        return self._page(f"public {size['width']}", size)

    def staff(self, name: str) -> Page:
        """The window of a member of staff, who is logged in."""
        assert self.numbers
        is_new = name not in self._pages
        page = self._page(name, DESKTOP)
        if is_new:
            page.goto("/admin/")
            page.fill("[name=username]", name)
            page.fill("[name=password]", PASSWORD)
            page.click("[type=submit]")
        return page

    def _page(self, key: str, size: dict[str, int]) -> Page:
        if key not in self._pages:
            context = self.browser.new_context(
                base_url=self.site.url,
                viewport=size,
                color_scheme="light",
                locale="en-US",
                timezone_id="UTC",  # type: ignore[arg-type]  # two sizes
            )
            self._pages[key] = context.new_page()
        return self._pages[key]

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


Scene = Callable[[Studio], None]
SCENES: dict[Scene, tuple[str, ...]] = {}


def scene(*of_scene: str) -> Callable[[Scene], Scene]:
    """Registers a function that takes these pictures."""

    def register(take: Scene) -> Scene:
        SCENES[take] = of_scene
        return take

    return register


# What is no page of ours: a terminal, and an email program.

TERMINAL = """<body style="margin:0;background:#fff"><pre style="margin:16px;padding:16px 20px;width:1000px;white-space:pre-wrap;
;background:#16202b;color:#e8edf2;border-radius:8px;font:15px/1.5 'DejaVu Sans Mono',monospace">%s</pre>"""
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
    files = sorted((studio.site.folder / "mail").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    newest = next(mail for mail in reversed(mails) if mail["To"] == to)
    body = newest.get_body(("html", "plain"))  # type: ignore[attr-defined]  # an EmailMessage by its policy
    text = re.sub(r"localhost:\d+", "localhost:8000", body.get_content())
    heads = (html.escape(str(newest[key])) for key in ("Subject", "From", "To"))
    page = studio.public()
    page.goto("about:blank")
    page.set_content(MAIL % (*heads, html.escape(text), height))
    studio.take(name, page, "main")


# The tour


@scene("letter")
def front_page(studio: Studio) -> None:
    assert studio.numbers
    page = studio.public()
    page.goto("/")
    studio.take("letter", page)


@scene("tour-serve")
def serve(studio: Studio) -> None:
    lines = studio.site.output.read_text().splitlines()
    shown = [line for line in lines if re.match(r"(First login|The letter|Staff|Mails are in)", line)]
    text = "\n".join(["$ uv run manage.py serve", *shown])
    text = re.sub(r"localhost:\d+", "localhost:8000", text).replace(
        f"{studio.site.folder}", "/home/you/undersigned/var"
    )
    terminal(studio, "tour-serve", re.sub(r"password \S+", "password •••••••••••••••", text).splitlines())


@scene(
    "tour-letter", "tour-check-mail", "tour-mail", "tour-confirm", "tour-personal-page", "tour-queue", "tour-public-name",
)  # fmt: skip
def sign_and_approve(studio: Studio) -> None:
    assert studio.numbers
    page = studio.public()
    page.set_viewport_size({"width": 1280, "height": 1400})  # the whole form, which scrolls in a lower window
    page.goto("/")
    page.check("[name=visibility][value=public]")
    for name, value in ADA.items():
        page.fill(f"[name={name}]", value)
    page.check("[name=consent]")
    studio.take("tour-letter", page, "aside.sign", most=1300)
    page.wait_for_timeout(4000)  # nobody types faster, and who does gets a flag
    page.click("aside.sign form button:not([hidden]):not([name])")
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]  # a literal
    studio.take("tour-check-mail", page, "main > *")
    link = studio.site.wait_for_mail(ADA["email"])
    mail(studio, "tour-mail", ADA["email"], height=330)
    page.goto(link)
    page.check("[name=consent]")
    studio.take("tour-confirm", page, "main > *", most=1100)
    page.click("[value=confirm]")
    studio.take("tour-personal-page", page, "main > *", most=900)

    desk = studio.staff("olga")
    desk.goto(f"{ADMIN}waitingsignature/?q=Lovelace")
    studio.take("tour-queue", desk, "#content", most=520)
    desk.locator("tr", has_text=ADA["name"]).locator("[value^=approve], button:has-text('Approve')").first.click()
    expect(desk.locator(".messagelist")).to_be_visible()
    page.goto(f"{LETTER}signatories/?q=Lovelace")
    studio.take("tour-public-name", page, "main > *", most=600)


# Deliveries


@scene("officer-export", "officer-freeze", "officer-progress", "officer-download", "officer-hand-over", "tour-verify")
def deliver(studio: Studio) -> None:
    page = studio.staff("omar")
    page.goto(f"{ADMIN}signedletter/")
    page.locator("#result_list tbody a").first.click()
    studio.take("officer-export", page, "#content")
    page.get_by_text("Freeze a delivery").first.click()
    page.fill("[name=reason]", "To the embassy in Washington")
    studio.take("officer-freeze", page, "#content")
    page.get_by_role("button", name="Freeze, and make the files").click()
    here = page.url
    for _try in range(60):
        if page.get_by_role("button", name="Download the package").count():
            break
        page.wait_for_timeout(1000)
        page.goto(here)
    studio.take("officer-download", page, "#content", most=900)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the package").click()
    package = studio.site.folder / "xi-jinping-2013-1.zip"
    download.value.save_as(package)
    said = studio.site.run("verify_delivery", str(package))
    terminal(studio, "tour-verify", ["$ uv run manage.py verify_delivery xi-jinping-2013-1.zip", *said.splitlines()])
    page.goto(here)
    page.get_by_text("It was handed over").first.click()
    page.fill("[name=on]", page.evaluate("new Date().toISOString().slice(0, 10)"))
    page.fill("[name=to]", "The Embassy")
    page.fill("[name=at]", "Washington, DC")
    studio.take("officer-hand-over", page, "#content")
    page.goto(f"{ADMIN}delivery/{studio.python('half_made_delivery()')}/change/")
    studio.take("officer-progress", page, "#content", most=640)


@scene("officer-paper")
def paper(studio: Studio) -> None:
    page = studio.staff("omar")
    page.goto(f"{ADMIN}paperimport/import/")
    file = {"name": "uppsala.csv", "mimeType": "text/csv", "buffer": PAPER.encode()}
    page.locator("[type=file]").set_input_files(file)  # type: ignore[arg-type]  # a FilePayload
    page.locator("select").first.select_option(index=1)
    page.click("#content [type=submit]")
    studio.take("officer-paper", page, "#content")


# Accounts


@scene("owner-invite", "account-invitation", "account-second-factor")
def invite(studio: Studio) -> None:
    page = studio.staff("olga")
    page.goto("/admin/auth/user/add/")
    page.fill("[name=username]", "noor")
    page.fill("[name=email]", "noor@example.org")
    page.locator("#content select").first.select_option(label="moderator")
    studio.take("owner-invite", page, "#content")
    page.click("[name=_save]")
    link = studio.site.wait_for_mail("noor@example.org")
    guest = studio.public()
    guest.goto(link)
    studio.take("account-invitation", guest, "#container", most=620)
    moderator = studio.staff("mina")
    moderator.goto("/admin/second-factor/new/")
    studio.take("account-second-factor", moderator, "#container", most=800)


# The owner


@scene("owner-limits", "owner-block", "owner-switches", "owner-audit-log")
def own(studio: Studio) -> None:
    page = studio.staff("olga")
    for name, path in (
        ("owner-limits", "ratelimit/"),
        ("owner-switches", "alarm/switches/"),
        ("owner-audit-log", "auditentry/"),
    ):
        page.goto(f"{ADMIN}{path}")
        studio.take(name, page, "#content", most=760)
    page.goto(f"{ADMIN}blocklistentry/add/")
    page.locator("[name=kind]").select_option("word")
    page.fill("[name=value]", "student")
    page.click("[name=_save]")
    studio.take("owner-block", page, "#content", most=760)


# The editor


@scene("editor-letter", "editor-translation", "editor-news")
def edit(studio: Studio) -> None:
    page = studio.staff("edith")
    rows = {"letter": "xi-jinping", "translation": "A letter to", "news": ""}
    for table, words in rows.items():
        page.goto(f"/admin/campaign/{table}/")
        page.locator("#result_list tbody a", has_text=words).first.click()
        studio.take(f"editor-{table}", page, "#content", most=900)


# The moderator


@scene("moderator-queue", "moderator-signature", "moderator-featured", "moderator-bulk-rule")
def moderate(studio: Studio) -> None:
    page = studio.staff("mina")
    page.goto(f"{ADMIN}waitingsignature/")
    studio.take("moderator-queue", page)
    page.goto(f"{ADMIN}signature/{studio.numbers['rate']}/change/")
    studio.take("moderator-signature", page, "#content", most=900)
    page.goto(f"{ADMIN}featuredsignature/")
    studio.take("moderator-featured", page, "#content", most=520)
    page.goto(f"{ADMIN}bulkrule/add/")
    page.fill("[name=name]", "Jose Perez with a number")
    page.fill("[name=reason]", "One name with different numbers, from one script")
    page.fill("[name=name_pattern]", "jose perez *")
    page.click("#content [type=submit]")
    studio.take("moderator-bulk-rule", page, "#content", most=860)


@scene("moderator-dashboard", "moderator-alarms")
def monitor(studio: Studio) -> None:
    page = studio.staff("mina")
    page.goto("/admin/")
    studio.take("moderator-dashboard", page, "#content", most=900)
    studio.python("raise_alarms()")
    page.goto(f"{ADMIN}alarm/")
    studio.take("moderator-alarms", page)


@contextmanager
def studio(browser: Browser, names: Iterable[str], folder: Path, **options: Any) -> Iterator[Studio]:
    """A site of its own for these pictures, gone afterwards."""
    with LiveSite.for_a_while(free_port()) as site:
        made = Studio(browser, site, folder, frozenset(names), **options)
        yield made
        made.close()


def names() -> set[str]:
    """Returns the name of every picture that a scene takes."""
    return {name for of_scene in SCENES.values() for name in of_scene}


def take_all(studio: Studio) -> None:
    for take, of_scene in SCENES.items():
        if studio.wanted.intersection(of_scene):
            take(studio)
            assert set(of_scene) <= set(studio.taken), f"{take.__name__} skipped a picture"


def main() -> None:
    wanted = set(sys.argv[1:]) or names()
    if unknown := wanted - names():
        raise SystemExit(f"no such picture: {', '.join(sorted(unknown))}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with studio(browser, wanted, DOCS / "_images") as site:
            take_all(site)
        browser.close()


if __name__ == "__main__":
    main()
