"""Drill 14: signers, strangers and staff do what they like, in any order. Each signature goes only where it may.

Each person does a random sequence of steps over HTTP, many at a time. After each step the state in the database must be
the one that the rules of the architecture give, and at the end the numbers on the site must be those of the rows.
`tests/test_state_machine.py` does it with more kinds of steps, without a server.
"""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import fetch, post
from tests.faults.drills.one_effect import COUNT_DRIFT, TOKEN
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import CLIENTS, Signers
from tests.faults.honest_signer import filled_in_form

SEED, STEPS = 20261130, 30
PENDING, WAITING, APPROVED, REJECTED, WITHDRAWN, GONE = (
    "pending",
    "waiting",
    "approved",
    "rejected",
    "withdrawn",
    "gone",
)
STANDING = (WAITING, APPROVED, REJECTED)
# What each step makes of which states; in all others it changes nothing.
RULES: dict[str, dict[str, str]] = {
    "GET": {},
    "HEAD": {},
    "ask for the link": {},
    "confirm": {PENDING: WAITING},
    "withdraw": {PENDING: GONE, **dict.fromkeys(STANDING, WITHDRAWN)},
    "erase": dict.fromkeys((PENDING, *STANDING, WITHDRAWN), GONE),
    "not-me": dict.fromkeys((PENDING, *STANDING, WITHDRAWN), GONE),
    "approve": {WAITING: APPROVED, REJECTED: APPROVED},
    "reject": {WAITING: REJECTED, APPROVED: REJECTED},
}
OFTEN = {"GET": 6, "HEAD": 4, "ask for the link": 1, "confirm": 4, "withdraw": 1, "erase": 1, "not-me": 1, "approve": 5, "reject": 5}  # fmt: skip
_PEOPLE = "SELECT name, public_id::text, id FROM signatures_submission WHERE name LIKE %s"
_STATE = """
    SELECT coalesce(
        (SELECT 'pending' FROM signatures_submission WHERE id = %(id)s),
        (SELECT state FROM signatures_signature WHERE id = %(id)s AND address_hash IS NOT NULL), 'gone')
"""


class Walk:
    """The sequences of a group of people.

    Attributes:
        wrong: what was another state than the rules give, by the step after which it was.
        answers: of all requests.
    """

    def __init__(self, site: DrillSite, signers: Signers, port: int) -> None:
        self.site, self.signers, self.port = site, signers, port
        self.wrong: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        (self.cookie,) = site.python("tests.faults.drills.moderators", "sessions(1)")
        people = site.sql(_PEOPLE, [f"{signers.group} %"])
        pages = site.personal_pages([key for _name, key, _number in people])
        self.people = [(name, number, page) for (name, _key, number), page in zip(people, pages, strict=True)]

    def run(self) -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self.sequence, self.people))

    def sequence(self, person: tuple[str, int, str]) -> None:
        name, number, _page = person
        chosen = random.Random(f"{SEED} {name}").choices(list(OFTEN), list(OFTEN.values()), k=STEPS)
        state = PENDING
        with closing(self.site.connect()) as connection, connection.cursor() as cursor:
            for step in chosen:
                answer = self.send(step, person)
                self.answers[answer] += 1
                before, expected = state, RULES[step].get(state, state)
                cursor.execute(_STATE, {"id": number})
                ((state,),) = cursor.fetchall()
                if state != expected:
                    self.wrong[f"{step}, answered {answer}, made {state} of {before}"] += 1

    def send(self, step: str, person: tuple[str, int, str]) -> int:
        name, number, page = person
        site, url = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}{page}"
        if step in {"GET", "HEAD"}:
            return fetch(url, step)
        if step == "ask for the link":
            return post(f"{self.signers.letter}my-link/", {"email": self.signers.email_of(int(name.split()[-1]))})
        if step in {"approve", "reject"}:
            headers = {
                "Cookie": f"{self.cookie}; csrftoken={TOKEN}",
                "X-CSRFToken": TOKEN,
                "Sec-Fetch-Site": "same-origin",
            }
            form = {"action": step, "_selected_action": str(number), "reason": "a drill"}
            return post(f"{site}/admin/signatures/signature/", form, **headers)
        return post(url, filled_in_form(self.signers.letter, name, "") | {"action": step})


def try_it(site: DrillSite, group: str, people: int, port: int) -> Outcome:
    signers = Signers(site, group, port=port)
    signers.send(people)
    outcome = signers.outcome([])
    outcome.expect_nothing_lost()
    walk = Walk(site, signers, port)
    walk.run()
    drift = site.sql(COUNT_DRIFT)
    outcome.faults = walk.answers.total()
    outcome.errors += sum(number for status, number in walk.answers.items() if status >= 500)
    outcome.note = f"{len(walk.people):,} sequences of {STEPS} steps; answers {dict(walk.answers)}"
    outcome.expect(outcome.faults == people * STEPS, "not all sequences were tried")
    outcome.expect(walk.answers[0] == 0 and outcome.errors == 0, f"answers {dict(walk.answers)}")
    most = "; ".join(f"{number} times: {what}" for what, number in walk.wrong.most_common(5))
    outcome.expect(not walk.wrong, f"{walk.wrong.total()} illegal states, most often: {most}")
    outcome.expect(not drift, f"the count drifts: {drift}")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Walked", 50 if is_short else 1_000, site.port)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """Opening the link confirms."""
    return try_it(site, "Strayed", 10, site.worse_web.port)


DRILL = Drill(14, "any order of steps", on_site, on_control, is_in_short=False)
