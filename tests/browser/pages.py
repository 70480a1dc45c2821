"""Every public page in every state that a visitor can meet, for tests and tools that visit all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, Response, Route

from tests.languages import CODES, PREFIXES
from tests.live_site import LiveSite
from tests.prepared import BASE

ORCHESTRA = BASE / "tests" / "letters" / "orchestra"  # a letter in German and Persian
LETTER = "/letters/xi-jinping-2013/"
SAMPLE = "/letters/sample-main/"
LANGUAGES = dict(zip(CODES, PREFIXES, strict=True))  # with the prefix of their addresses

Action = Callable[[Page, "PopulatedSite"], Response | None]


@dataclass
class PopulatedSite:
    """A running site with signatures in every state (see fixture.py), and their addresses by name."""

    site: LiveSite
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = self.site.python("tests.browser.fixture", "build()")

    def path(self, path: str) -> str:
        """Returns the path of this name, or the path itself. A name with several paths gives each of them once."""
        value = self.values.get(path, path)
        return str(value.pop() if isinstance(value, list) else value)


@dataclass(frozen=True)
class State:
    """A page, and the action that brings it into a state."""

    name: str
    path: str
    action: Action | None = None

    def show(self, page: Page, populated: PopulatedSite, language: str) -> str:
        """Opens the page in this state and returns the HTML that the server sent."""
        if self.path.startswith("rendered-"):
            return self._show_rendered(page, populated, language)
        answer = page.goto(f"{populated.site.url}{LANGUAGES[language]}{populated.path(self.path)}")
        if self.action:
            answer = self.action(page, populated) or answer
        return answer.text() if answer else ""

    def _show_rendered(self, page: Page, populated: PopulatedSite, language: str) -> str:
        """Shows an error page that was rendered in advance, because no address answers with it on request."""
        body = str(populated.values[f"{self.path}-{language}"])
        address = f"{populated.site.url}{LANGUAGES[language]}/{self.path}/"

        def answer(route: Route) -> None:
            route.fulfill(body=body, content_type="text/html; charset=utf-8")

        page.route(address, answer)
        page.goto(address)
        page.unroute(address)
        return body


SUBMIT = """(button, values) => {
    const form = button.form;
    for (const [name, value] of Object.entries(values)) {
        for (const field of [form.elements[name]].flat()) {
            if (field instanceof RadioNodeList) field.value = value;
            else if (field.type === 'checkbox') field.checked = Boolean(value);
            else field.value = value;
        }
    }
    if (button.name) form.append(Object.assign(document.createElement('input'), {type: 'hidden', name: button.name, value: button.value}));
    HTMLFormElement.prototype.submit.call(form);
}"""


def submit(button: str, **values: str) -> Action:
    """Returns the action that fills in the form of this button and submits it past all scripts."""

    def action(page: Page, populated: PopulatedSite) -> Response | None:
        typed = {name: populated.values.get(value, value) for name, value in values.items()}
        with page.expect_navigation() as answer:
            page.locator(button).first.evaluate(SUBMIT, typed)
        return answer.value

    return action


def open_details(page: Page, populated: PopulatedSite) -> Response | None:
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    return None


SIGN = "aside.sign form button:not([hidden]):not([name])"
VALID = {"name": "Ada", "visibility": "public", "consent": "on"}

PAGE_STATES = [
    State("letter", LETTER),
    State("letter with the newest names", SAMPLE),
    State("letter, form with errors", LETTER, submit(SIGN, email="ada@example", name="")),
    State("letter, typo suggestion", LETTER, submit(SIGN, email="ada@gmial.com", **VALID)),
    State("letter, the text has changed", LETTER, submit(SIGN, email="ada@example.org", text="0" * 64, **VALID)),
    State("letter, signing is paused", "/letters/sample-paused/"),
    State("letter, signing begins later", "/letters/sample-later/"),
    State("letter, closed, with a delivery", "/letters/sample-closed/"),
    State("letter, archived", "/letters/sample-archived/"),
    State("index of letters", "/letters/"),
    State("letter without a name", "/letters/sample-empty/"),
    State("list", f"{SAMPLE}signatories/"),
    State("list, empty", "/letters/sample-empty/signatories/"),
    State("list, search results", f"{SAMPLE}signatories/?q=a"),
    State("list, nothing found", f"{SAMPLE}signatories/?q=zzzzzz"),
    State("list, search too long", f"{SAMPLE}signatories/?q={'a' * 41}"),
    State("list, one country", f"{SAMPLE}signatories/?country=KR"),
    State("list, organizations", f"{SAMPLE}signatories/?kind=organization"),
    State("list with a delivery", "/letters/sample-closed/signatories/"),
    State("list, by name", f"{SAMPLE}signatories/?order=name"),
    State("countries", f"{SAMPLE}signatories/countries/"),
    State("entry", "entry"),
    State("report", "report"),
    State("report, with an error", "report", submit("main form button")),
    State("report, sent", f"{SAMPLE}signatories/reported/"),
    State("history", f"{LETTER}history/"),
    State("check mail", f"{LETTER}check-mail/"),
    State("my link", f"{LETTER}my-link/"),
    State("my link, with an error", f"{LETTER}my-link/", submit("main button", email="ada")),
    State("my link, sent", f"{LETTER}my-link/sent/"),
    State("my links under all letters", "/my-link/"),
    State("my links under all letters, sent", "/my-link/sent/"),
    State("submission page", "submission", open_details),
    State("submission page, not confirmed for an error", "submission", submit("[value=confirm]", name="")),
    State("submission page, signed already by one", "signed_by_one", open_details),
    State("submission page, signed already without a name", "signed_without_name"),
    State("submission page, signed already by two", "signed_by_two"),
    State("submission page, not another person", "signed_by_one", submit("[value=confirm]", consent="on")),
    State("submission page, not replaced for an error", "signed_by_two", submit("[value^='replace:'] >> nth=1", name="")),
    State("submission page, too late", "late"),
    State("personal page, waiting", "waiting"),
    State("personal page, question of staff", "asked"),
    State("personal page, counted", "approved", open_details),
    State("personal page, not changed for an error", "approved", submit("[value=change]", name="", visibility="public")),
    State("personal page, with a receipt", "delivered", open_details),
    State("personal page, rejected", "rejected"),
    State("personal page, withdrawn", "withdrawn"),
    State("personal page, erased", "erasable", submit("[value=erase]")),
    State("personal page, not me", "stolen", submit("[value='not-me']")),
    State("unsubscribe", "wants_updates"),
    State("unsubscribe, not subscribed", "wants_none"),
    State("broken link", "/no-updates/x/"),
    State("privacy", "/privacy/"),
    State("news", f"{SAMPLE}news/"),
    State("news, empty", f"{LETTER}news/"),
    State("share page", f"{LETTER}tell/"),
    State("embed", f"{LETTER}embed/"),
    State("embed, signing is paused", "/letters/sample-paused/embed/"),
    State("API page", f"{LETTER}api/"),
    State("delivery", "delivery"),
    State("delivery, receipt is part of it", "delivery", submit("main form.sign button", proof="receipt")),
    State("delivery, digest is not part of it", "delivery", submit("main form.sign button", proof="0" * 64)),
    State("400", f"{LETTER}signatories/?after=x"),
    State("403", "rendered-403"),
    State("404", "/nowhere/"),
    State("429", "rendered-429"),
    State("500", "rendered-500"),
    State("503", "rendered-503"),
]  # fmt: skip

# Of a letter in languages that no page of ours is in: in the language of the text, on an English page.
IN_OTHER_LANGUAGES = [
    State(f"{name}, text in {language}", f"/{language}/letters/orchestra/{path}", action)
    for language in ("de", "fa")
    for name, path, action in (
        ("letter", "", None),
        ("form with errors", "", submit(SIGN, email="ada@example", name="")),
        ("list", "signatories/", None),
        ("countries", "signatories/countries/", None),
        ("history", "history/", None),
        ("news, empty", "news/", None),
        ("check mail", "check-mail/", None),
        ("my link", "my-link/", None),
        ("privacy", "privacy/", None),
        ("share page", "tell/", None),
        ("embed", "embed/", None),
    )
]


def states_with_languages() -> Iterator[tuple[State, str]]:
    """Yields each state in one language, so that every language gets its share of the states."""
    codes = list(LANGUAGES)
    for number, state in enumerate(PAGE_STATES):
        yield state, codes[number % len(codes)]
