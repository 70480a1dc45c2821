"""Drill 19: people confirm, and somebody with all rights in the database changes what the audit log says of it."""

from concurrent.futures import ThreadPoolExecutor

from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.http_answers import post
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import CLIENTS, Signers
from tests.faults.honest_signer import filled_in_form

_PEOPLE = "SELECT public_id::text, name FROM signatures_submission WHERE name LIKE %s"
CHANGES = (
    "UPDATE signatures_auditentry SET at = at + interval '1 microsecond' WHERE id = %s",
    "UPDATE signatures_auditentry SET signature_id = signature_id + 1 WHERE id = %s",
    "UPDATE signatures_auditentry SET now = 'rejected' WHERE id = %s",
    """UPDATE signatures_auditentry SET detail = detail || '{"a": 1}' WHERE id = %s""",
    "DELETE FROM signatures_auditentry WHERE id = %s",
)


def changes_found(newest: int) -> list[int]:
    """Tries each change on so many of the newest entries. Returns how many were tried, and found. Runs in the site."""
    from django.db import connection, transaction  # noqa: PLC0415  the site's own settings

    from signatures.audit import checkpoints  # noqa: PLC0415
    from signatures.models import AuditEntry  # noqa: PLC0415

    found = 0
    entries = list(AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[:newest])
    for entry in entries:
        for change in CHANGES:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute(change, [entry])
                assert cursor.rowcount == 1
                try:
                    checkpoints.verify()
                except checkpoints.LogTampered:
                    found += 1
                transaction.set_rollback(True)
    return [len(entries) * len(CHANGES), found]


def try_it(site: DrillSite, group: str, people: int, *, has_checkpoint: bool) -> Outcome:
    site.python("signatures.audit.checkpoints", "create_checkpoint()")
    signers = Signers(site, group)
    signers.send(people)
    signed = site.sql(_PEOPLE, [f"{group} %"])
    confirmed: list[int] = []

    def confirm(page: str, name: str) -> None:
        form = {**filled_in_form(signers.letter, name, ""), "action": "confirm"}
        confirmed.append(post(f"http://127.0.0.1:{site.port}{page}", form))

    pages = site.personal_pages([key for key, _name in signed])
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(confirm, pages, [name for _key, name in signed]))
    if has_checkpoint:
        site.python("signatures.audit.checkpoints", "create_checkpoint()")
    tried, found = site.python(__name__, f"changes_found({people})")
    outcome = signers.outcome([], f"{found:,} of {tried:,} changes found")
    outcome.expect_nothing_lost()
    outcome.faults = tried
    outcome.expect(set(confirmed) == {303}, f"answers {set(confirmed)}")
    outcome.expect(found == tried > 0, f"{tried - found} of {tried} changes not found")
    return outcome


def on_site(site: DrillSite, is_short: bool) -> Outcome:
    return try_it(site, "Logged", 20 if is_short else 200, has_checkpoint=True)


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """The entries are changed before a checkpoint covers them."""
    return try_it(site, "Uncovered", 10, has_checkpoint=False)


DRILL = Drill(19, "audit log changed", on_site, on_control, is_in_short=False)
