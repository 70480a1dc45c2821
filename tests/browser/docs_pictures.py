"""The pictures of the documentation: `python -m tests.browser.docs_pictures [NAME …]`.

Starts a site, fills it with made-up people, and takes one picture for each place of the pages that shows one. The
pictures are written into `docs/_images/`; the browser tests take some of them, too.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import FilePayload, expect, sync_playwright

from signatures.delivery.checker import check
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.studio import FIRST_START, PICTURES, Studio, mail, open_studio, terminal

LETTER = "/letters/xi-jinping-2013/"
ADMIN = "/admin/signatures/"
ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}
PAPER = """name,role,organization,country,visibility,signed_on,sheet
Ingrid Bergström,Nurse,,SE,public,2026-05-02,Uppsala 1
Ólafur Jónsson,Fisherman,,IS,,2026-05-02,Uppsala 1
Ingrid Bergström,Nurse,,SE,public,2026-05-02,Uppsala 2
,Baker,,SE,,2026-05-02,Uppsala 2
Nguyễn Thị Minh,Teacher,Lotus School,VN,public,2026-05-03,Malmö 1
Amara Okafor,,,Atlantis,,2026-05-03,Malmö 1
"""


Scene = Callable[[Studio], None]
SCENES: dict[Scene, tuple[str, ...]] = {}


def scene(*of_scene: str) -> Callable[[Scene], Scene]:
    """Registers a function that takes these pictures."""

    def register(take: Scene) -> Scene:
        SCENES[take] = of_scene
        return take

    return register


# The tour


@scene("letter")
def front_page(studio: Studio) -> None:
    assert studio.numbers
    page = studio.public()
    page.goto("/")
    studio.take("letter", page)


@scene(FIRST_START)
def serve(studio: Studio) -> None:
    lines = [json.loads(line)["event"] for line in studio.site.output.read_text().splitlines()]
    shown = [line for line in lines if re.match(r"(First login|The letter|Staff|Emails are in)", line)]
    assert len(shown) == 4
    text = "\n".join(["$ uv run manage.py serve", *shown])
    text = re.sub(r"localhost:\d+", "localhost:8000", text).replace(
        f"{studio.site.folder}", "/home/you/undersigned/var"
    )
    terminal(
        studio, FIRST_START, re.sub(r"password in (\S+)", r"password ••••••••••••••• (also in \1)", text).splitlines()
    )


@scene(
    "tour-letter", "tour-check-mail", "tour-mail", "tour-confirm", "tour-personal-page", "tour-queue", "tour-public-name",
)  # fmt: skip
def sign_and_approve(studio: Studio) -> None:
    assert studio.numbers
    page = studio.public()
    page.goto("/")
    page.check("[name=visibility][value=public]")
    for name, value in ADA.items():
        page.fill(f"[name={name}]", value)
    page.check("[name=consent]")
    studio.take("tour-letter", page, "aside.sign", most=1300)
    page.wait_for_timeout(4000)  # nobody types faster, and who does gets a flag
    page.click("aside.sign form button:not([hidden]):not([name])")
    studio.take("tour-check-mail", page, "main > *")
    link = studio.site.wait_for_mail(ADA["email"])
    mail(studio, "tour-mail", ADA["email"], height=560)
    page.goto(link)
    studio.take("tour-confirm", page, "main > *", most=1100)
    page.click(".as-entered [value=confirm]")
    studio.take("tour-personal-page", page, "main > *", most=900)

    admin = studio.staff("olga")
    admin.goto(f"{ADMIN}waitingsignature/?q=Lovelace")
    studio.take("tour-queue", admin, "#content", most=520)
    admin.locator("tr", has_text=ADA["name"]).locator("[value^=approve], button:has-text('Approve')").first.click()
    expect(admin.locator("tr.decided .outcome button")).to_be_visible()
    page.goto(f"{LETTER}signatories/?q=Lovelace")
    studio.take("tour-public-name", page, "main > *", most=600)


# Deliveries


@scene(
    "officer-export", "officer-freeze", "officer-progress", "officer-download", "officer-hand-over", "tour-verify",
    "officer-check", "officer-check-refused",
)  # fmt: skip
def deliver(studio: Studio) -> None:
    page = studio.staff("omar")
    page.goto(f"{ADMIN}signedletter/")
    page.locator("#result_list tbody a").first.click()
    studio.take("officer-export", page, "#content")
    page.get_by_text("Freeze a delivery").first.click()
    page.fill("[name=reason]:visible", "To the embassy in Washington")  # the form of the preview has a hidden one
    studio.take("officer-freeze", page, "#content")
    page.get_by_role("button", name="Freeze, and build the files").click()
    here = page.url
    for _try in range(180):
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
    checked = studio.public()
    checked.goto(Path(check.__file__).with_name("check.html").as_uri())
    forged = studio.site.folder / "forged.zip"
    before, country, after = package.read_bytes().rpartition(b",US,")
    forged.write_bytes(before + country.replace(b"US", b"CA") + after)
    for name, file in (("officer-check", package), ("officer-check-refused", forged)):
        checked.set_input_files("#file", file)
        checked.locator("#result").wait_for()
        studio.take(name, checked, "main", most=1000)
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
    file = FilePayload(name="uppsala.csv", mimeType="text/csv", buffer=PAPER.encode())
    page.locator("[type=file]").set_input_files(file)
    page.locator("select").first.select_option(index=1)
    page.click("#content [type=submit]")
    page.get_by_role("button", name="Next: look at the lines").click()
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
    page.goto("/admin/campaign/letter/")
    page.locator("#result_list tbody a").first.click()
    studio.take("editor-letter", page, "#content", most=900)
    page.get_by_role("link", name="Add a text in another language").click()
    studio.take("editor-translation", page, "#content", most=900)
    page.goto("/admin/campaign/news/")
    page.locator("#result_list tbody a").first.click()
    studio.take("editor-news", page, "#content", most=900)


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
        with open_studio(browser, wanted, PICTURES) as site:
            take_all(site)
        browser.close()


if __name__ == "__main__":
    main()
