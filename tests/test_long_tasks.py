"""What takes the worker minutes keeps it from nothing else: emails go, duties run, and `/readyz` says so (O14, O25)."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign.models import Letter
from campaign.runtime.locks import AdvisoryLock
from signatures import tasks
from signatures.delivery import freezing
from tests.factories import make_signature
from tests.live_site import LiveSite, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("serve"),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc"),
]
_STATES = "SELECT task_path, status FROM django_tasks_database_dbtaskresult WHERE task_path LIKE %s"


@pytest.fixture
def building() -> Iterator[LiveSite]:
    """A site whose worker builds a delivery and does not come to an end: it waits for the statement of the one before."""
    with LiveSite.temporary(free_port()) as site, contextlib.closing(site.connect()) as another:
        another.cursor().execute("SELECT pg_advisory_lock(%s, 1)", [AdvisoryLock.BUILD_DELIVERY])
        site.python(__name__, "freeze_two()")
        wait_for(site, "build_delivery", "RUNNING")
        yield site


def freeze_two() -> None:
    """Called inside the settings of the site. Both are new, so their ids are 1 and 2."""
    letter = Letter.objects.get()
    make_signature(letter, "Ada Lovelace")
    assert [freezing.freeze(letter, by=None, reason="the hearing").pk for _each in range(2)] == [1, 2]
    tasks.build_delivery.enqueue(2)


def wait_for(site: LiveSite, task: str, status: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while (found := dict(site.sql(_STATES, [f"%.{task}"]))).get(f"signatures.tasks.{task}") != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_while_a_delivery_is_built_for_minutes_the_duties_run_and_the_site_is_ready(building: LiveSite) -> None:
    # As if the build had gone on for three minutes.
    building.sql("UPDATE django_tasks_database_dbtaskresult SET finished_at = finished_at - interval '3 minutes'")
    building.sql("UPDATE signatures_alarm SET until = until - interval '3 minutes'")
    before = building.sql("SELECT until FROM signatures_alarm WHERE code = 'worker'")
    building.python("signatures.tasks", "run_duties.enqueue(['fold-count-deltas', 'check-alarms']).id")

    time.sleep(1.5)  # until the answer from before is not kept any more
    building.wait_until_ready(20)

    assert building.sql("SELECT until FROM signatures_alarm WHERE code = 'worker'") > before, "alarms are checked"
    assert building.sql("SELECT state FROM signatures_delivery WHERE id = 2") == [("frozen",)], "it is still built"
    wait_for(building, "build_delivery", "RUNNING", 0)
