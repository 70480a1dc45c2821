"""Locked tables and a hanging database behind PgBouncer (threat model O16): nobody waits for them (S36)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.faults import stalled
from tests.faults.cluster.cluster_site import Cluster
from tests.faults.drills.outcome import Drill, Outcome
from tests.live_site import LiveSite


@contextmanager
def hanging_primary(site: LiveSite, port: int) -> Iterator[None]:
    assert isinstance(site, Cluster)
    with site.primary.hanging():
        yield


def tried(name: str, seconds: tuple[float, float]) -> Callable[[Cluster, bool], Outcome]:
    """Returns a drill with a fault of `tests.faults.stalled`, in which letter and health check have time limits."""
    (fault,) = (fault for fault in stalled.FAULTS if fault.name == name)
    if name == "stopped database":
        fault = fault._replace(during=hanging_primary)

    def on_site(cluster: Cluster, is_short: bool) -> Outcome:
        found = stalled.try_fault(cluster, cluster.port, fault, "cluster", seconds[is_short])
        cluster.wait_until_ready()
        outcome = Outcome(faults=1, note=str(found))
        outcome.sent = sum(map(len, found.times.values()))
        outcome.expect(found.held, "a page took too long")
        return outcome

    return on_site


DRILLS = [
    Drill(7, "locked tables", tried("locked tables", (75, 10))),
    Drill(8, "hanging database", tried("stopped database", (90, 10))),
]
