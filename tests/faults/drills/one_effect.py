"""Drill 6: one form, one link and one signature in the hands of many at once. Each has one effect."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import post
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.faults.honest_signer import filled_in_form
from tests.prepared import BASE

AT_ONCE = 50
COUNT_DRIFT = (BASE / "signatures" / "monitoring" / "count_drift.sql").read_text()
TOKEN = "a" * 32
_LINKS = "SELECT public_id::text, name, id FROM signatures_submission WHERE name LIKE %s ORDER BY name"
_CONFIRMED = "SELECT count(*) FROM signatures_auditentry WHERE signature_id = ANY (%s) AND action = 'confirm'"
_DECIDED = """
    SELECT signature_id, count(*) FROM signatures_auditentry
    WHERE signature_id = ANY (%s) AND action IN ('approve', 'reject') GROUP BY 1
"""
_UNIQUE = "one_submission_per_place"
_LOOKED = "typed.id := nextval"  # what follows the search for an earlier sign-up


def same_address(signers: Signers, people: int) -> None:
    """Everybody sends the form many times at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(people):
            list(pool.map(signers.sign, [number] * AT_ONCE))


def same_link(site: DrillSite, signers: Signers) -> tuple[list[int], Counter[int]]:
    """Everybody confirms many times at once. Returns the numbers of the signatures, and the answers."""
    rows = site.sql(_LINKS, [f"{signers.group} %"])
    answers: Counter[int] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for page, (_key, name, _number) in zip(site.personal_pages([row[0] for row in rows]), rows, strict=True):
            form = filled_in_form(signers.letter, name, "") | {"action": "confirm"}
            confirm = partial(post, f"http://127.0.0.1:{site.port}{page}", form)
            answers.update(pool.map(lambda _each, confirm=confirm: confirm(), range(AT_ONCE)))
    return [row[2] for row in rows], answers


def two_decisions(site: DrillSite, numbers: list[int]) -> Counter[int]:
    """Two moderators decide each signature at once, one to approve and one to reject it. Returns the answers."""
    cookies = site.python("tests.faults.drills.moderators", "sessions(2)")
    ((as_of,),) = site.sql("SELECT max(id) FROM signatures_auditentry")
    answers: Counter[int] = Counter()

    def decide(number: int, cookie: str, action: str) -> int:
        form = {"action": action, "_selected_action": str(number), "index": "0", "as_of": str(as_of), "own_words": "no"}
        headers = {"Cookie": f"{cookie}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN, "Sec-Fetch-Site": "same-origin"}
        return post(f"http://127.0.0.1:{site.port}/admin/signatures/waitingsignature/", form, **headers)

    with ThreadPoolExecutor(2) as pool:
        for number in numbers:
            answers.update(pool.map(decide, [number] * 2, cookies, ("approve", "reject")))
    return answers


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    signers, people = Signers(site, "Twice"), 8 if is_short else 200
    same_address(signers, people)
    outcome = signers.outcome([])
    # Flagged, so that staff decide them.
    site.sql("UPDATE signatures_submission SET flags = '{rate}' WHERE name LIKE 'Twice %'")
    numbers, confirming = same_link(site, signers)
    ((confirmed,),) = site.sql(_CONFIRMED, [numbers])
    deciding = two_decisions(site, numbers)
    decided = dict(site.sql(_DECIDED, [numbers]))
    drift = site.sql(COUNT_DRIFT)
    outcome.faults = people * (AT_ONCE * 2 + 2)
    outcome.note = f"confirming {dict(confirming)}, deciding {dict(deciding)}"
    answers = signers.answers + confirming + deciding
    outcome.errors = sum(number for status, number in answers.items() if status >= 500)
    outcome.expect_nothing_lost()
    # Who waits for the lock of a row for more than a second gets 503, and tries again.
    outcome.expect(outcome.errors == answers[503], f"answers {dict(answers)}")
    outcome.expect(confirmed == people, f"{confirmed} confirmations of {people}")
    outcome.expect(set(decided.values()) == {1} and len(decided) == people, f"decisions {Counter(decided.values())}")
    outcome.expect(not drift, f"the count drifts: {drift}")
    return outcome


@contextlib.contextmanager
def no_unique_constraint(site: DrillSite) -> Iterator[None]:
    """The table takes what is there already; who signs looks a moment before it stores, so that others surely look too."""
    ((definition,),) = site.sql("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [_UNIQUE])
    site.sql(f"DROP INDEX {_UNIQUE}")
    try:
        with (
            site.replaced_function("signatures_submit", "ON CONFLICT (letter_id, address_hash, place) DO NOTHING", ""),
            site.replaced_function("signatures_submit", _LOOKED, f"PERFORM pg_sleep(0.1); {_LOOKED}"),
        ):
            yield
    finally:
        site.sql(
            "WITH gone AS (DELETE FROM signatures_submission WHERE name LIKE 'Unlocked %' RETURNING id)"
            " DELETE FROM signatures_outboxmail WHERE signature_id IN (SELECT id FROM gone)"
        )
        site.sql(definition)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    with no_unique_constraint(site):
        signers = Signers(site, "Unlocked")
        same_address(signers, 6)
        outcome = signers.outcome([])
    outcome.faults = 6 * AT_ONCE
    outcome.expect_nothing_lost()
    return outcome


DRILL = Drill(6, "the same at once", on_site, on_control)
