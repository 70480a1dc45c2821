"""`uv run python -m tests.faults.backup`: a backup while people sign, the machine lost, and the site restored elsewhere.

Everybody who was acknowledged before the backup began must be there. It prints how long the site was away (RTO) and how
old the restored state is (RPO). The *control* is the same restore without the tombstones: who erased themselves after
the backup comes back, or the drill proves nothing.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from tests.faults import honest_signer
from tests.live_site import LiveSite, free_port

CONFIRMED = 2000  # made-up signatures that are there before
THREADS, BEFORE_SECONDS, AFTER_SECONDS = 4, 5.0, 5.0
LONGEST = 120.0  # seconds that a restore may take
ERASE = "erase_one()"


def erase_one() -> str:
    """Erases a signature, as its owner does. Runs inside the site. Returns its public id."""
    from signatures import retention  # noqa: PLC0415  the site's own settings
    from signatures.models import Signature  # noqa: PLC0415
    from signatures.signing import withdrawal  # noqa: PLC0415
    from signatures.states import State  # noqa: PLC0415

    row = Signature.objects.filter(state=State.APPROVED).earliest("pk")
    found = str(row.public_id)
    withdrawal.erase(row)
    retention.sync_tombstones()
    return found


@dataclass
class Signers:
    """People who sign, one after the other, in several threads."""

    letter: str
    acknowledged: dict[int, float] = field(default_factory=dict)  # monotonic seconds, by the number of the signer
    sent: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> list[threading.Thread]:
        threads = [threading.Thread(target=self._sign, daemon=True) for _each in range(THREADS)]
        for thread in threads:
            thread.start()
        return threads

    def stop(self, threads: list[threading.Thread]) -> None:
        self._stop.set()
        for thread in threads:
            thread.join()

    def _sign(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                number, self.sent = self.sent, self.sent + 1
            if honest_signer.sign_up(self.letter, number) < float("inf"):
                self.acknowledged[number] = time.monotonic()


@dataclass(frozen=True)
class Found:
    """What a site holds: numbers of signers, public ids of signatures, digests of checkpoints of the audit log."""

    signers: set[int]
    signatures: set[str]
    checkpoints: set[str]


def found(site: LiveSite) -> Found:
    connection = psycopg2.connect(host=str(site.folder / "postgres"), user="undersigned", dbname="undersigned")
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM signatures_submission")
            signers = {int(name.split()[1]) for (name,) in cursor.fetchall() if name.startswith("Signer ")}
            cursor.execute("SELECT public_id::text FROM signatures_signature")
            signatures = {number for (number,) in cursor.fetchall()}
            cursor.execute("SELECT digest FROM signatures_checkpoint")
            return Found(signers, signatures, {digest for (digest,) in cursor.fetchall()})
    finally:
        connection.close()


def kill(site: LiveSite) -> None:
    for number in site.processes():
        os.kill(number, signal.SIGKILL)
    site.process.wait(10)


def restored(backup: Path, keys: Path, tombstones: Path | None) -> tuple[Found, float]:
    """Restores the backup on a machine of its own, and serves it. Returns what is there, and the seconds it took."""
    site = LiveSite(free_port())
    try:
        shutil.copytree(keys, site.folder / "keys")
        if tombstones:
            shutil.copy(tombstones, site.folder)
        began = time.monotonic()
        site.run("restore", str(backup), *([] if tombstones else ["--without-newer-tombstones"]))
        with site:
            seconds = time.monotonic() - began
            site.run("verify_audit_log")
            site.run("reconcile", "--quiet")
            return found(site), seconds
    finally:
        for number in site.processes():
            os.kill(number, signal.SIGKILL)
        shutil.rmtree(site.folder, ignore_errors=True)
        site.output.unlink(missing_ok=True)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="us-backups-") as folder, LiveSite.temporary(free_port()) as site:
        site.run("make_signatures", str(CONFIRMED))
        signers = Signers(f"{site.url}/letters/xi-jinping-2013/")
        threads = signers.start()
        time.sleep(BEFORE_SECONDS)
        site.python("signatures.audit.checkpoints", "create_checkpoint()")
        at_backup = found(site)
        began = time.monotonic()
        backup = Path(site.run("backup", folder).strip())
        took = time.monotonic() - began
        erased = site.python("tests.faults.backup", ERASE)
        time.sleep(AFTER_SECONDS)
        before = found(site)
        lost_at = time.monotonic()
        kill(site)
        signers.stop(threads)
        kept = shutil.copy(site.folder / "tombstones.csv", folder)
        after, seconds = restored(backup, site.folder / "keys", Path(kept))
        without, _seconds = restored(backup, site.folder / "keys", None)

    due = {number for number, at in signers.acknowledged.items() if at < began}
    later = signers.acknowledged.keys() - after.signers
    newest = max((at for number, at in signers.acknowledged.items() if number in after.signers), default=0.0)
    kept_checkpoints = at_backup.checkpoints & after.checkpoints
    came_back, came_back_in_control = erased in after.signatures, erased in without.signatures
    print(
        f"sent {signers.sent}, acknowledged {len(signers.acknowledged)}, before the backup {len(due)}; it took {took:.1f} s"
    )
    print(f"restored: signatures {len(after.signatures)} of {len(before.signatures)}, sign-ups {len(after.signers)}")
    print(f"checkpoints {len(kept_checkpoints)} of {len(at_backup.checkpoints)}")
    print(f"RPO {lost_at - newest:.1f} s, in which {len(later)} were acknowledged that are lost; RTO {seconds:.1f} s")
    print(f"lost though acknowledged before the backup: {len(due - after.signers)}")
    print(f"erased and back: {came_back}; in the control, without tombstones: {came_back_in_control}")
    is_whole = after.signatures == before.signatures and kept_checkpoints == at_backup.checkpoints
    is_whole = is_whole and bool(due) and not due - after.signers and not came_back
    return 0 if is_whole and came_back_in_control and seconds < LONGEST else 1


if __name__ == "__main__":
    sys.exit(main())
