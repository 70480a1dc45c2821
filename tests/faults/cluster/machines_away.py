"""What is broken on several machines while people sign: the primary, Redis, the pooler, a web machine, a cable."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from tests.faults.cluster.cluster_site import DATABASES, WEB, Cluster
from tests.faults.cluster.network import BACK
from tests.faults.drills.outcome import Drill, Outcome
from tests.faults.drills.signers import Signers

PEOPLE = 40  # who sign before a fault, and after it


@contextlib.contextmanager
def without_redis(cluster: Cluster) -> Iterator[None]:
    cluster.redis.stop()
    yield
    cluster.redis.start()


@contextlib.contextmanager
def without_pooler(cluster: Cluster) -> Iterator[None]:
    """That of the primary."""
    pooler = cluster.poolers[cluster.number_of_primary]
    pooler.stop()
    yield
    pooler.start()


def one_web_machine_gone(cluster: Cluster) -> AbstractContextManager[None]:
    return WEB[0].cut_off()


def one_web_machine_without_database(cluster: Cluster) -> AbstractContextManager[None]:
    return WEB[0].cut_off(BACK)


@contextlib.contextmanager
def web_without_database(cluster: Cluster) -> Iterator[None]:
    with WEB[0].cut_off(BACK), WEB[1].cut_off(BACK):
        yield


def tried(
    group: str, fault: Callable[[Cluster], AbstractContextManager[None]], times: int, seconds: float
) -> Callable[[Cluster, bool], Outcome]:
    """Returns a drill in which a fault is there so often and so long, a third of it in the short form."""

    def on_site(cluster: Cluster, is_short: bool) -> Outcome:
        signers, ended = Signers(cluster, group), list[float]()
        with signers.signing():
            signers.wait_for(PEOPLE)
            for _each in range(1 if is_short else times):
                with fault(cluster):
                    time.sleep(seconds / 3 if is_short else seconds)
                ended.append(time.monotonic())
                signers.wait_for(len(signers.acknowledged) + PEOPLE)
        outcome = signers.outcome(ended, f"answers {dict(signers.answers)}; 99 of 100 within {signers.slowest:.1f} s")
        outcome.expect_nothing_lost()
        return outcome

    return on_site


def lose_primary(cluster: Cluster, group: str, *, seconds: float = 2.0) -> Outcome:
    """Pulls the cables of the primary, and promotes the replica as whoever watches over the two would.

    Before the cables are back, the former primary is stopped: else some would sign there.
    """
    signers = Signers(cluster, group)
    before = cluster.number_of_primary
    with signers.signing():
        signers.wait_for(PEOPLE)
        if not cluster.is_synchronous:
            cluster.stop_streaming()
            signers.wait_for(len(signers.acknowledged) + PEOPLE)
        with DATABASES[before].cut_off():
            time.sleep(seconds)
            cluster.promote()
            promoted = time.monotonic()
            cluster.primary.kill()
            signers.wait_for(len(signers.acknowledged) + PEOPLE)
        signers.wait_for(len(signers.acknowledged) + PEOPLE)
    cluster.swap()
    outcome = signers.outcome([promoted], f"answers {dict(signers.answers)}; recovery is counted from the promotion")
    outcome.expect_nothing_lost()
    return outcome


def primary_lost(cluster: Cluster, is_short: bool) -> Outcome:
    """Twice, so that each of the two was the primary."""
    outcome = lose_primary(cluster, "Promoted")
    return outcome if is_short else outcome + lose_primary(cluster, "Back")


def primary_lost_without_waiting_for_the_replica(cluster: Cluster, is_short: bool) -> Outcome:
    """Commits do not wait for the replica, which is some of them behind."""
    cluster.wait_for_replica(is_synchronous=False)
    try:
        return lose_primary(cluster, "Behind")
    finally:
        cluster.is_synchronous = True


def primary_silent(cluster: Cluster, is_short: bool) -> Outcome:
    """The processes of the primary are stopped while its kernel and its pooler go on: no connection to it ends.

    At the end it is killed, and its pooler, which then answers with errors, is still the first in the address.
    """
    signers = Signers(cluster, "Silent")
    with signers.signing():
        signers.wait_for(PEOPLE)
        with cluster.primary.hanging():
            cluster.promote()
            promoted = time.monotonic()
            time.sleep(10 if is_short else 60)  # longer than TCP waits
            meanwhile = [done - begun for begun, done in list(signers.times) if done > promoted]
            cluster.primary.kill()
        signers.wait_for(len(signers.acknowledged) + PEOPLE)
    cluster.swap()
    note = f"{len(meanwhile)} signed while it was silent, the slowest in {max(meanwhile, default=0):.1f} s"
    outcome = signers.outcome([promoted], f"answers {dict(signers.answers)}; {note}")
    outcome.expect_nothing_lost()
    outcome.expect(len(meanwhile) > PEOPLE, "too few signed while it was silent")
    return outcome


DRILLS = [
    Drill(1, "primary lost, promoted", primary_lost, primary_lost_without_waiting_for_the_replica),
    Drill(2, "Redis gone", tried("Redis", without_redis, 2, 9)),
    Drill(3, "pooler restarted", tried("Pooler", without_pooler, 5, 1)),
    Drill(4, "one web machine gone", tried("Machine", one_web_machine_gone, 2, 9)),
    Drill(5, "one web, no database", tried("Half", one_web_machine_without_database, 2, 9)),
    Drill(6, "no web has the database", tried("Split", web_without_database, 2, 9)),
    Drill(9, "primary silent", primary_silent),
]
