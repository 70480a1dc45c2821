"""Drill 20: somebody signs with addresses of others, and measures whether the answer tells what is known of them.

Each address is asked once, and the states in turn, so that a busy machine is busy for all. Chance parts the medians, too:
so far as it does where the states of a turn are shuffled, nobody learns from them.
"""

import random
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import post
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import CLIENTS, Signers
from tests.faults.honest_signer import filled_in_form

# What the owner of an address in this state did with the link; staff then reject those who are hidden.
STEPS: dict[str, tuple[str, ...]] = {
    "new": (),
    "pending": (),
    "confirmed": ("confirm",),
    "hidden": ("confirm",),
    "withdrawn": ("confirm", "withdraw"),
    "erased": ("confirm", "erase"),
    "silenced": ("not-me",),
}
MOST_SECONDS, MOST_SHARE = 0.005, 0.1  # between the medians of two states
SHUFFLES, SEED = 500, 20
SECONDS_OF_AN_EMAIL = "0.5"  # for the control
_PEOPLE = "SELECT public_id::text, name FROM signatures_submission WHERE name LIKE %s"


def decide_all(action: str, group: str) -> int:
    """Staff approve or reject these signers. Runs in the site. Returns how many."""
    from django.contrib.auth.models import User  # noqa: PLC0415  the site's own settings

    from signatures.models import Signature  # noqa: PLC0415
    from signatures.moderation.decisions import decide  # noqa: PLC0415
    from signatures.registries import AuditAction  # noqa: PLC0415

    rows = Signature.objects.filter(name__startswith=f"{group} ")
    return decide(AuditAction(action), rows, by=User.objects.earliest("pk").pk, reason="a drill").decided


def owners_act(site: DrillSite, signers: Signers, steps: tuple[str, ...]) -> set[int]:
    """Everybody of a group opens the link, and does these things. Returns the answers."""
    people = site.sql(_PEOPLE, [f"{signers.group} %"])
    pages = site.personal_pages([key for key, _name in people])
    answers = set()
    for step in steps:
        forms = [filled_in_form(signers.letter, name, "") | {"action": step} for _key, name in people]
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers |= set(pool.map(post, [f"http://127.0.0.1:{site.port}{page}" for page in pages], forms))
    return answers


def groups_in_all_states(site: DrillSite, prefix: str, each: int, outcome: Outcome) -> dict[str, Signers]:
    groups = {state: Signers(site, f"{prefix}{state}") for state in STEPS}
    for state, signers in groups.items():
        if state != "new":
            signers.send(each)
        outcome.expect(owners_act(site, signers, STEPS[state]) <= {200, 303}, f"no page made somebody {state}")
    rejected = site.python(__name__, f"decide_all('reject', {groups['hidden'].group!r})")
    outcome.expect(rejected == each, f"{rejected} of {each} rejected")
    return groups


def gap_of(turns: list[list[float]]) -> float:
    """Returns how far the medians of the columns are apart."""
    medians = [statistics.median(column) for column in zip(*turns, strict=True)]
    return float(max(medians) - min(medians))


def gap_by_chance(turns: list[list[float]]) -> float:
    """Returns the gap that 99 of 100 shuffles do not exceed."""
    chance = random.Random(SEED)
    gaps = sorted(gap_of([chance.sample(turn, len(turn)) for turn in turns]) for _each in range(SHUFFLES))
    return gaps[SHUFFLES * 99 // 100]


def try_it(site: DrillSite, prefix: str, each: int, port: int = 0, seconds_of_an_email: str = "") -> Outcome:
    outcome = Outcome()
    groups = groups_in_all_states(site, prefix, each, outcome)
    letter, states = site.letter(port), list(STEPS)
    turns: list[list[float]] = []
    if seconds_of_an_email:
        site.inbox.begin(seconds_of_an_email)
    for number in range(each):
        took: dict[str, float] = {}
        for state in states[number % len(states) :] + states[: number % len(states)]:
            form = filled_in_form(letter, f"{prefix} again {number}", groups[state].email_of(number))
            begun = time.perf_counter()
            status = post(f"{letter}sign/", form, f"127.{200 + number % 50}.{number // 50 + 1}.1")
            took[state] = time.perf_counter() - begun
            outcome.sent += 1
            outcome.acknowledged += status == 303
            outcome.errors += status >= 500
        turns.append([took[state] for state in states])
    site.inbox.recover()
    medians = dict(zip(states, map(statistics.median, zip(*turns, strict=True)), strict=True))
    gap, by_chance = gap_of(turns), gap_by_chance(turns)
    allowed = max(MOST_SECONDS, min(medians.values()) * MOST_SHARE, by_chance)
    outcome.note = "medians in ms: " + ", ".join(f"{state} {median * 1000:.1f}" for state, median in medians.items())
    outcome.note += f"; {gap * 1000:.1f} apart, and up to {by_chance * 1000:.1f} by chance"
    outcome.expect(outcome.acknowledged == outcome.sent, f"{outcome.sent - outcome.acknowledged} were not taken")
    outcome.expect(gap <= allowed, f"the medians are {gap * 1000:.1f} ms apart, and {allowed * 1000:.1f} may be")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Timed", 30 if is_short else 300)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The page sends an email itself, and none to who wants none."""
    return try_it(site, "Telling", 10, site.worse_web.port, SECONDS_OF_AN_EMAIL)


DRILL = Drill(20, "time of the answer", on_site, on_control, is_in_short=False)
