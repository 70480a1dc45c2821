"""Drill 9: the disk under VAR_DIR is full while people sign and read. It needs root."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.drills import database_away
from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

MEGABYTES = 400


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """Yields the folder of a disk in memory."""
    folder = Path(tempfile.mkdtemp(prefix="us-disk-"))
    mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=711", "none", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Fills the disk with one file, but for so many bytes, and returns the file."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    os.truncate(ballast, max(0, ballast.stat().st_size - leave))
    return ballast


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


@contextlib.contextmanager
def no_space(site: DrillSite) -> Iterator[None]:
    ballast = fill(site.folder)
    try:
        yield
    finally:
        ballast.unlink()


def on_site(_site: DrillSite, is_short: bool) -> Outcome:
    with small_disk() as folder, DrillSite.started(folder) as site:
        return database_away.try_it(site, "Full", 5 if is_short else 30, [no_space])


def on_control(site: DrillSite, is_short: bool) -> Outcome:
    """One sign-up that was acknowledged is deleted: the drill must see that."""
    signers = Signers(site, "Deleted")
    signers.send(10)
    site.sql("DELETE FROM signatures_submission WHERE name = %s", [signers.name_of(3)])
    outcome = signers.outcome([])
    outcome.expect_nothing_lost()
    site.empty_outbox()  # what is half there counts for no other drill
    return outcome


DRILL = Drill(9, "disk full", on_site, on_control, is_in_short=False)
