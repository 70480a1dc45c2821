"""check.html, opened from a file without a server, says of every package what check.py says."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from signatures.delivery.checker import check
from signatures.values import names
from tests.delivery import packages
from tests.delivery.packages import canonical, files_of
from tests.delivery.tamperings import ACCEPTED, DRAFT, TAMPERINGS, Case
from tests.delivery.test_checker import verdict_on_lines

PAGE = Path(check.__file__).with_name("check.html").as_uri()
FIELDS = ("digest", "key", "auditor_key", "edition")
BY_NAME = {case.name: case for case in [*TAMPERINGS, *ACCEPTED]}


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Page]:
    """One page for all packages: it must forget the last one by itself."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(PAGE)
    yield page
    context.close()


def drop(page: Page, case: Case, **expected: str) -> None:
    """Fills in what is expected, and chooses the files, as a person does; some type after they chose."""
    page.evaluate("document.querySelector('details').open = true")
    before = {} if case.is_typed_after else expected
    for field in FIELDS:
        page.evaluate("([id, value]) => { document.getElementById(id).value = value }", [field, before.get(field, "")])
    files: list[Any] = [{"name": "came.zip", "mimeType": "", "buffer": case.make()}]
    if case.receipt:
        files.append({"name": "mine.json", "mimeType": "", "buffer": case.receipt()})
    page.evaluate("document.getElementById('result').hidden = true")
    page.set_input_files("#file", files)
    page.wait_for_selector("#result:not([hidden])")
    for field, value in expected.items() if case.is_typed_after else ():
        type_after(page, field, value)


def type_after(page: Page, field: str, value: str) -> None:
    """Types into a field after the files were chosen, and waits for what the page then says."""
    page.fill(f"#{field}", value)
    page.press(f"#{field}", "Enter")
    page.wait_for_selector("#result:not([hidden])")


def said(page: Page) -> tuple[int, str, list[str]]:
    code = page.get_attribute("#result", "data-code")
    faults = page.locator("#faults li").all_text_contents()
    return int(code or -1), page.inner_text("#verdict"), sorted(faults)


def test_the_page_agrees_with_check_py_on_every_package(opened: Page, tmp_path: Path) -> None:
    differ = {}
    for name, case in BY_NAME.items():
        drop(opened, case, **case.expected)
        (tmp_path / "x").write_bytes(case.make())
        receipt = case.receipt() if case.receipt else b""
        result = check.check(tmp_path / "x", check.Expected(**case.expected, receipt=receipt))
        expected = (result.code, result.verdict, sorted(map(check.printable, result.faults)))
        if said(opened) != expected or expected[0] != case.code:
            differ[name] = (said(opened), expected)
    assert not differ


def test_a_receipt_shows_the_row_that_it_proves(opened: Page) -> None:
    drop(opened, BY_NAME["with the receipt of a signer"])
    assert opened.locator("#proved td").all_text_contents() == [
        "5", "person", "김철수", "KR", "2026-05-03", "ko", "1", "paper",
    ]  # fmt: skip
    drop(opened, BY_NAME["the receipt of somebody who is counted only"])
    assert opened.inner_text("#proved") == "Somebody who is counted only."


def test_the_page_shows_invisible_characters_as_check_py_does(opened: Page) -> None:
    texts = [
        packages.MONGOLIAN,
        "".join(sorted(names.SHAPERS)),
        "a\x1b[2Jb\u202ec 한 محمد",
        "\u3000\u00a0 \u2028\u00ad\ufeff",
    ]
    assert opened.evaluate("texts => texts.map(words)", texts) == [check.printable(text) for text in texts]
    drop(opened, Case("", lambda: canonical(packages.receipt(packages.many(10), 5))))
    assert packages.MONGOLIAN in opened.inner_text("#proved")


def test_the_digest_is_compared_as_it_is_typed_from_paper(opened: Page) -> None:
    drop(opened, BY_NAME["time-stamped"])
    expect(opened.locator("#body")).to_contain_text("Compare it with the printed letter")
    digest = hashlib.sha256(files_of(DRAFT)["statement.json"]).hexdigest()
    opened.fill("#digest", digest.upper()[:32] + " " + digest[32:])
    opened.press("#digest", "Enter")
    expect(opened.locator("#body")).to_contain_text("It is the one that you expect.")
    opened.fill("#digest", digest[:-1])
    opened.press("#digest", "Enter")
    expect(opened.locator("#digest-error")).to_be_visible()
    expect(opened.locator("#result")).to_be_hidden()


@pytest.mark.parametrize("size", [1000, *range(check.MAX_LINE, check.MAX_LINE + 4), check.CHUNK])
def test_a_line_is_as_long_as_it_is_wherever_a_chunk_ends(opened: Page, size: int) -> None:
    found = opened.evaluate(
        """async ([tables, size]) => {
            const verdict = async lengths => {
                const content = utf8(lengths.map(length => "x".repeat(length) + "\\r\\n").join(""))
                async function* chunks() {
                    for (let at = 0; at < content.length; at += size) yield content.slice(at, at + size)
                }
                const lines = new Lines({ chunks }, "t", () => {}), taken = []
                try { while (await lines.ready()) taken.push(lines.take().length) } catch (error) { return error.message }
                return taken.join() === lengths.join() ? "" : "other lines"
            }
            const all = []
            for (const lengths of tables) all.push(await verdict(lengths))
            return all
        }""",
        [packages.LINES, size],
    )
    assert found == [verdict_on_lines(lengths) for lengths in packages.LINES]


READS_SLOWLY = """() => {
    const read = Blob.prototype.arrayBuffer, gate = new Promise(done => { window.readOn = done })
    Blob.prototype.arrayBuffer = async function () {
        if (this.size > 4096) await gate // not the few bytes that tell a receipt from a package
        return read.call(this)
    }
}"""


@pytest.mark.parametrize("wrong", ["digest", "edition"])
def test_a_wrong_digest_that_is_typed_while_a_file_is_read_ends_the_reading(browser: Browser, wrong: str) -> None:
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto(PAGE)
        page.evaluate(READS_SLOWLY)
        page.evaluate("document.querySelector('details').open = true")
        page.set_input_files(
            "#file", {"name": "big.zip", "mimeType": "", "buffer": packages.package(packages.many(200))}
        )
        expect(page.locator("#working")).to_be_visible()
        page.fill(f"#{wrong}", "12")
        page.press(f"#{wrong}", "Enter")
        expect(page.locator(f"#{wrong}-error")).to_be_visible()
        expect(page.locator("#working")).to_be_hidden()
        page.evaluate("readOn()")
        page.fill(f"#{wrong}", "")
        page.press(f"#{wrong}", "Enter")
        page.wait_for_selector("#result:not([hidden])")
        assert said(page) == (0, "Whole.", [])
        expect(page.locator("#working")).to_be_hidden()


def test_the_reading_before_ends_where_another_file_is_chosen(browser: Browser) -> None:
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto(PAGE)
        page.evaluate(READS_SLOWLY)
        for name in ("first.zip", "second.zip"):
            page.set_input_files(
                "#file", {"name": name, "mimeType": "", "buffer": packages.package(packages.many(200))}
            )
            expect(page.locator("#working")).to_be_visible()
        receipt = canonical(packages.receipt(DRAFT, 4))
        page.set_input_files("#file", {"name": "mine.json", "mimeType": "", "buffer": receipt})
        page.evaluate("readOn()")
        page.wait_for_selector("#result:not([hidden])")
        expect(page.locator("#working")).to_be_hidden()
        expect(page.locator("#about")).to_have_text("This receipt belongs to the list with the digest below.")
        assert page.evaluate("document.getElementById('progress').value") == 0, "no file that was given up is read on"


def test_a_file_that_cannot_be_read_is_told_and_not_waited_for(browser: Browser) -> None:
    """As a folder, which somebody drags onto the page."""
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto(PAGE)
        page.evaluate(
            "() => { Blob.prototype.arrayBuffer = async () => { throw new DOMException('It is a folder.') } }"
        )
        page.set_input_files("#file", {"name": "bridge-1", "mimeType": "", "buffer": b""})
        page.wait_for_selector("#result:not([hidden])")
        assert said(page) == (1, "Not checked.", ["The file cannot be read: It is a folder."])
        expect(page.locator("#working")).to_be_hidden()


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_is_compared_although_it_is_filled_in_after_the_file_was_chosen(opened: Page, field: str) -> None:
    case = BY_NAME["countersigned"]
    drop(opened, case)
    assert said(opened)[:2] == (0, "Whole.")
    assert opened.locator(".field input").evaluate_all("fields => fields.map(field => field.id)") == list(FIELDS)
    type_after(opened, field, "0" * 64)
    assert said(opened)[:2] == (1, "Not whole.")


def test_weeks_are_those_of_python_around_every_new_year(opened: Page) -> None:
    days = [
        f"{year}-{day}" for year in range(1898, 2045) for day in ("01-01", "01-03", "01-04", "06-30", "12-29", "12-31")
    ]
    odd = ["", "2026-02-29", "2024-02-29", "2026-13-01", "20260101", "2026-W01-1", "x"]
    found = opened.evaluate("days => days.map(weekOf)", [*days, *odd])
    assert found == [check.week_of(day) for day in [*days, *odd]]


def test_the_page_may_not_use_the_network(opened: Page) -> None:
    stopped_by = opened.evaluate(
        """new Promise(done => {
            addEventListener("securitypolicyviolation", event => done(event.effectiveDirective), { once: true })
            fetch("http://127.0.0.1:9/").then(() => done("nothing"), () => {})
        })"""
    )
    assert stopped_by == "connect-src"
    content = Path(check.__file__).with_name("check.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in content and "connect-src" not in content
    assert "http" not in content.replace("http-equiv", ""), "no address at all"


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_screen(opened: Page, width: int, scheme: Any) -> None:
    opened.set_viewport_size({"width": width, "height": 800})
    opened.emulate_media(color_scheme=scheme)
    for name in ("500 names blanked without record", "erased with record", "with the receipt of a signer"):
        drop(opened, BY_NAME[name])
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
