"""The disk is full while a delivery is built: staff are told so, whichever process wanted to write."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campaign.models import Letter
from signatures.delivery import building, freezing
from signatures.models import Delivery, Signature
from tests.faults.drills.full_disk import fill


@pytest.fixture
def disk(tmp_path: Path, settings: Any) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=False).returncode:
        pytest.skip("this user may mount nothing")
    settings.DELIVERIES_DIR = folder / "deliveries"
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


# The report of which percent fills the disk, and the kilobytes that are left: enough for what is typeset, then for what
# Typst makes of it, and last for what is joined. The letter ends with the percent with which the package begins.
STAGES = {"list": [(0, 1, 0)], "letter": [(15, 1, 0), (15, 1, 70), (15, 1, 110), (15, 1, 260)], "package": [(90, 2, 0)]}


class Filler:
    """Fills a disk with the nth report of at least this percent, but for so many kilobytes."""

    def __init__(self, disk: Path, percent: int, report: int, left: int) -> None:
        self.disk, self.percent, self.report, self.left = disk, percent, report, left
        self.ballast = disk / "nothing"

    def __call__(self, now: int) -> None:
        self.report -= now >= self.percent
        if not self.report and not self.ballast.exists():
            self.ballast = fill(self.disk, leave=self.left * 1024)


@pytest.mark.django_db(transaction=True)
def test_O10_a_full_disk_is_told_as_such_at_each_stage_and_leaves_no_file(
    letter: Letter, ada: Signature, disk: Path
) -> None:
    delivery = freezing.freeze(letter, by=None, reason="the hearing")
    for stage, place in ((stage, place) for stage, places in STAGES.items() for place in places):
        filler = Filler(disk, *place)
        building.build(delivery.pk, on_progress=filler)
        delivery.refresh_from_db()
        assert (delivery.stage, delivery.failure) == (stage, "no space left in deliveries/"), place
        assert list((disk / "deliveries").iterdir()) == []
        filler.ballast.unlink()
        Delivery.objects.filter(pk=delivery.pk).update(failure="")
    building.build(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failure) == ("ready", "")
