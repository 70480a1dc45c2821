"""Drill 16: the machine is lost while people sign, and the site is restored elsewhere from the last backup.

Who was acknowledged before the backup began must be there, and who erased themselves after it must not be. The note says
how old the restored state is (RPO) and how long the site was away (RTO).
"""

import shutil
import signal
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests import signals
from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers
from tests.live_site import LiveSite, free_port

CONFIRMED = 2_000  # made-up signatures that are there before
LONGEST_SECONDS = 120.0  # that a restore may take
_SIGNED = "SELECT name FROM signatures_submission"
_CONFIRMED = "SELECT public_id::text FROM signatures_signature"
_CHECKPOINTS = "SELECT digest FROM signatures_checkpoint"


def erase_one() -> str:
    """Erases a signature, as its owner does. Runs in the site. Returns its public id."""
    from signatures import tombstones  # noqa: PLC0415  the site's own settings
    from signatures.models import Signature  # noqa: PLC0415
    from signatures.signing import withdrawal  # noqa: PLC0415
    from signatures.states import State  # noqa: PLC0415

    row = Signature.objects.filter(state=State.APPROVED).earliest("pk")
    found = str(row.public_id)
    withdrawal.erase(row)
    tombstones.sync()
    return found


def column(site: LiveSite, statement: str) -> set[str]:
    return {value for (value,) in site.sql(statement)}


def kill(site: LiveSite) -> None:
    signals.send(signal.SIGKILL, site.processes())
    site.process.wait(10)


def restored(stack: ExitStack, backup: Path, keys: Path, tombstones: Path | None) -> tuple[LiveSite, float]:
    """Restores the backup on a machine of its own, and serves it. Returns it, and the seconds that this took."""
    site = LiveSite(free_port())
    stack.callback(shutil.rmtree, site.folder, ignore_errors=True)
    stack.callback(site.output.unlink, missing_ok=True)
    shutil.copytree(keys, site.folder / "keys")
    if tombstones:
        shutil.copy(tombstones, site.folder)
    began = time.monotonic()
    site.run("restore", str(backup), *([] if tombstones else ["--without-newer-tombstones"]))
    stack.enter_context(site)
    return site, time.monotonic() - began


def try_it(group: str, people: int, *, has_tombstones: bool) -> Outcome:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="us-backups-")))
        site = stack.enter_context(DrillSite.started())
        site.run("make_signatures", str(CONFIRMED))
        signers = Signers(site, group, leaving=1)
        with signers.signing():
            signers.wait_for(people)
            site.python("signatures.audit.checkpoints", "create_checkpoint()")
            checkpoints, due, began = column(site, _CHECKPOINTS), set(signers.acknowledged), time.monotonic()
            backup = Path(site.run("backup", str(folder)).strip())
            erased = site.python(__name__, "erase_one()")
            signers.wait_for(len(signers.acknowledged) + 20)
            before, lost_at = column(site, _CONFIRMED), time.monotonic()
            kill(site)
        other, seconds = restored(
            stack, backup, site.folder / "keys", site.folder / "tombstones.csv" if has_tombstones else None
        )
        other.run("verify_audit_log")
        other.run("reconcile", "--quiet")
        signed, after = column(other, _SIGNED), column(other, _CONFIRMED)
        kept = column(other, _CHECKPOINTS)
    outcome = Outcome(sent=len(signers.names), acknowledged=len(due), lost=len(due - signed), faults=1)
    outcome.note = (
        f"{len(after):,} of {len(before):,} signatures; RPO {lost_at - began:.1f} s, RTO {seconds:.1f} s;"
        f" {len(signers.acknowledged) - len(due)} were acknowledged after the backup began"
    )
    outcome.expect(bool(due) and outcome.lost == 0, f"{outcome.lost} lost")
    outcome.expect(checkpoints <= kept, "a checkpoint is gone")
    outcome.expect(erased not in after, "who was erased is back")
    outcome.expect(after - {erased} == before, "the signatures differ")
    outcome.expect(seconds < LONGEST_SECONDS, f"it took {seconds:.0f} s")
    return outcome


def on_site(_site: DrillSite, is_short: bool) -> Outcome:
    return try_it("Restored", 50 if is_short else 500, has_tombstones=True)


def on_control(_site: DrillSite, is_short: bool) -> Outcome:
    """Nobody kept the tombstones."""
    return try_it("Haunted", 20, has_tombstones=False)


DRILL = Drill(16, "restore", on_site, on_control, is_in_short=False)
