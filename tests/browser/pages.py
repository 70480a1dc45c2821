"""Every public page in every state that a visitor can meet: a table, for whatever has to look at all of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, Response, Route

from tests.live_site import LiveSite

LETTER = "/letters/xi-jinping-2013/"
HERE = "/letters/stage-here/"
LANGUAGES = {"en": "", "ko": "/ko", "zh-hans": "/zh-hans", "zh-hant": "/zh-hant"}

Act = Callable[[Page, "Stage"], Response | None]


@dataclass
class Stage:
    """A served site with people in every state, and where each of them is."""

    site: LiveSite
    found: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.found = self.site.python("tests.browser.fixture", "build()")

    def path(self, path: str) -> str:
        """A path, or the name of one; what can be done once only comes from a heap of them."""
        found = self.found.get(path, path)
        return str(found.pop() if isinstance(found, list) else found)


@dataclass(frozen=True)
class State:
    """A page, and what is done on it before it is looked at."""

    name: str
    path: str
    act: Act | None = None

    def show(self, page: Page, stage: Stage, language: str) -> str:
        """Go there, and what the server sent. Errors that no address gives are put in the place of its answer."""
        if self.path.startswith("made-"):
            return self._put(page, stage, language)
        answer = page.goto(f"{stage.site.url}{LANGUAGES[language]}{stage.path(self.path)}")
        if self.act:
            answer = self.act(page, stage) or answer
        return answer.text() if answer else ""

    def _put(self, page: Page, stage: Stage, language: str) -> str:
        body = str(stage.found[f"{self.path}-{language}"])
        address = f"{stage.site.url}{LANGUAGES[language]}/{self.path}/"

        def answer(route: Route) -> None:
            route.fulfill(body=body, content_type="text/html; charset=utf-8")

        page.route(address, answer)
        page.goto(address)
        page.unroute(address)
        return body


SEND = """(button, typed) => {
    const form = button.form;
    for (const [name, value] of Object.entries(typed)) {
        for (const field of [form.elements[name]].flat()) {
            if (field instanceof RadioNodeList) field.value = value;
            else if (field.type === 'checkbox') field.checked = Boolean(value);
            else field.value = value;
        }
    }
    if (button.name) form.append(Object.assign(document.createElement('input'), {type: 'hidden', name: button.name, value: button.value}));
    HTMLFormElement.prototype.submit.call(form);
}"""


def sent(button: str, **typed: str) -> Act:
    """The form of this button, filled in and sent at once, whatever a script would say to it."""

    def act(page: Page, stage: Stage) -> Response | None:
        values = {name: stage.found.get(value, value) for name, value in typed.items()}
        with page.expect_navigation() as answer:
            page.locator(button).first.evaluate(SEND, values)
        return answer.value

    return act


def opened(page: Page, stage: Stage) -> Response | None:
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    return None


SIGN = "aside.sign form button:not([hidden]):not([name])"
RIGHT = {"name": "Ada", "visibility": "public", "consent": "on"}

TABLE = [
    State("letter", LETTER),
    State("letter with the newest names", HERE),
    State("letter, form with errors", LETTER, sent(SIGN, email="ada@example", name="")),
    State("letter, a slip in the address", LETTER, sent(SIGN, email="ada@gmial.com", **RIGHT)),
    State("letter, the text has changed", LETTER, sent(SIGN, email="ada@example.org", text="0" * 64, **RIGHT)),
    State("letter, signing is paused", "/letters/stage-resting/"),
    State("letter, signing begins later", "/letters/stage-later/"),
    State("letter, closed, with a delivery", "/letters/stage-closed/"),
    State("letter without a name", "/letters/stage-bare/"),
    State("list", f"{HERE}signatories/"),
    State("list, empty", "/letters/stage-bare/signatories/"),
    State("list, found", f"{HERE}signatories/?q=a"),
    State("list, nothing found", f"{HERE}signatories/?q=zzzzzz"),
    State("list, search too long", f"{HERE}signatories/?q={'a' * 41}"),
    State("list, one country", f"{HERE}signatories/?country=KR"),
    State("list, organizations", f"{HERE}signatories/?kind=organization"),
    State("list with a delivery", "/letters/stage-closed/signatories/"),
    State("list, by name", f"{HERE}signatories/?order=name"),
    State("countries", f"{HERE}signatories/countries/"),
    State("entry", "entry"),
    State("report", "report"),
    State("report, with an error", "report", sent("main form button")),
    State("report, sent", f"{HERE}signatories/reported/"),
    State("history", f"{LETTER}history/"),
    State("check mail", f"{LETTER}check-mail/"),
    State("my link", f"{LETTER}my-link/"),
    State("my link, with an error", f"{LETTER}my-link/", sent("main button", email="ada")),
    State("my link, sent", f"{LETTER}my-link/sent/"),
    State("personal page, unconfirmed", "unconfirmed", opened),
    State("personal page, not confirmed for an error", "unconfirmed", sent("[value=confirm]", name="")),
    State("personal page, too late", "late"),
    State("personal page, waiting", "waiting"),
    State("personal page, asked", "asked"),
    State("personal page, counted", "approved", opened),
    State("personal page, not changed for an error", "approved", sent("[value=change]", name="", visibility="public")),
    State("personal page, with a receipt", "delivered", opened),
    State("personal page, not accepted", "rejected"),
    State("personal page, taken back", "withdrawn"),
    State("personal page, erased", "erasable", sent("[value=erase]")),
    State("personal page, this was not me", "stolen", sent("[value='not-me']")),
    State("no more updates?", "wants_updates"),
    State("no updates", "wants_none"),
    State("broken link", "/no-updates/x/"),
    State("privacy", "/privacy/"),
    State("news", f"{HERE}news/"),
    State("news, none", f"{LETTER}news/"),
    State("tell others", f"{LETTER}tell/"),
    State("frame for other sites", f"{LETTER}embed/"),
    State("frame, signing is paused", "/letters/stage-resting/embed/"),
    State("figures for other programs", f"{LETTER}api/"),
    State("delivery", "delivery"),
    State("delivery, a receipt belongs to it", "delivery", sent("main form.sign button", proof="receipt")),
    State("delivery, a digest does not", "delivery", sent("main form.sign button", proof="0" * 64)),
    State("400", f"{LETTER}signatories/?after=x"),
    State("403", "made-403"),
    State("404", "/nowhere/"),
    State("429", "made-429"),
    State("500", "made-500"),
    State("503", "made-503"),
]  # fmt: skip


def pairs() -> Iterator[tuple[State, str]]:
    """Each state in one language, and each language with its share of them."""
    names = list(LANGUAGES)
    for number, state in enumerate(TABLE):
        yield state, names[number % len(names)]
