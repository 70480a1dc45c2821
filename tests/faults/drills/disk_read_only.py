"""Drill 9: the disk under VAR_DIR becomes read-only while people sign and read, as ext4 makes it after an error.

What was not on the disk by then is gone. The letter must stay readable, and nobody may be told that it worked. Then an
operator stops the site, repairs the disk, and starts the site again: what was acknowledged must be there, and no page of
the database may be damaged. It needs root and a loop device.
"""

import contextlib
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from campaign.runtime import cluster
from tests.faults.drills.database_killed import careless_commits
from tests.faults.drills.drill_site import DrillSite
from tests.faults.drills.full_disk import mount
from tests.faults.drills.http_answers import fetch
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

MEGABYTES = 1_000
STOP_SECONDS = 20.0  # that the site may take to end on such a disk
CORRECTED = 1  # highest exit code of `fsck` with which a disk is as it should be


class ImageDisk:
    """A disk with ext4 in a file, which is mounted at a folder."""

    def __init__(self, image: Path, folder: Path) -> None:
        self.image, self.folder = image, folder
        with image.open("wb") as file:
            file.truncate(MEGABYTES * 1_000_000)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)

    def mount(self) -> None:
        mount("-o", "loop", str(self.image), str(self.folder))

    def make_read_only(self) -> None:
        """As after an error of the disk: at once, also for open files, and what the journal holds is not written."""
        mount("-o", "remount,abort", str(self.folder))

    def repair(self) -> None:
        """Mounts it anew. No process may have a file open there."""
        subprocess.run(["umount", str(self.folder)], check=True)
        done = subprocess.run(["fsck.ext4", "-p", str(self.image)], capture_output=True, text=True, check=False)
        assert done.returncode <= CORRECTED, done.stdout + done.stderr
        self.mount()


@contextlib.contextmanager
def image_disk() -> Iterator[ImageDisk]:
    with tempfile.TemporaryDirectory(prefix="us-image-") as images:
        folder = Path(tempfile.mkdtemp(prefix="us-disk-"))
        disk = ImageDisk(Path(images) / "disk", folder)
        disk.mount()
        try:
            (folder / "lost+found").rmdir()  # a new site wants an empty folder
            yield disk
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            folder.rmdir()


def damaged_pages(site: DrillSite) -> str:
    """Returns what PostgreSQL says of pages with a wrong checksum; empty if there is none. The site has ended."""
    command = [str(cluster.binaries() / "pg_checksums"), "--check", "-D", str(site.folder / "postgres")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def try_it(site: DrillSite, disk: ImageDisk, group: str, people: int, seconds: float) -> Outcome:
    signers = Signers(site, group)
    letters: Counter[int] = Counter()
    subprocess.run(["sync", "--file-system", str(disk.folder)], check=True)  # the site was made long ago
    with signers.signing():
        signers.wait_for(people)
        disk.make_read_only()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            letters[fetch(signers.letter)] += 1
            time.sleep(0.1)
        said = {status: number for status, number in signers.answers.items() if status not in {303, 503}}
        is_alive = site.process.poll() is None
        begun = time.monotonic()
        site.stop()
        stopping = time.monotonic() - begun
        disk.repair()
        back = time.monotonic()
        site.start()
        site.wait_until_ready()
        signers.wait_for(len(signers.acknowledged) + 50)
    outcome = signers.outcome(
        [back], f"{seconds:.0f} s read-only; the letter {dict(letters)}; stopped in {stopping:.1f} s"
    )
    outcome.expect_nothing_lost()
    outcome.expect(is_alive, "the site ended by itself")
    outcome.expect(not said, f"answers {said}")
    outcome.expect(letters.keys() == {200}, f"the letter {dict(letters)}")
    outcome.expect(outcome.errors > 0, "nobody noticed")
    outcome.expect(stopping <= STOP_SECONDS, f"it took {stopping:.0f} s to stop")
    site.stop()
    outcome.expect(not (said_of_pages := damaged_pages(site)), said_of_pages)
    return outcome


def on_site(_site: DrillSite, is_short: bool) -> Outcome:
    with image_disk() as disk, DrillSite.started(disk.folder) as site:
        return try_it(site, disk, "Frozen", 100 if is_short else 1_000, 5 if is_short else 60)


def on_control(_site: DrillSite, is_short: bool) -> Outcome:
    """Commits do not wait for the disk."""
    with image_disk() as disk, DrillSite.started(disk.folder) as site, careless_commits(site):
        outcome = try_it(site, disk, "Unwritten", 100, 3)
        site.start()  # for the end of the careless commits
        site.wait_until_ready()
        return outcome


DRILL = Drill(9, "disk read-only", on_site, on_control, is_in_short=False)
