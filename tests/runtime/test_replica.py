"""Lists, search and statistics from a real streaming replica, while it is close behind, and never what decides."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from campaign.runtime import replica
from tests.live_site import LiveSite, free_port
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.xdist_group("replica")
LETTER = "/letters/xi-jinping-2013/"
LIST = f"{LETTER}signatories/"
READS = "SELECT coalesce(sum(idx_scan + seq_scan), 0) FROM pg_stat_user_tables WHERE relname = 'signatures_signature'"


class Site(NamedTuple):
    live: LiveSite
    primary: PostgresServer
    replica: PostgresServer

    def show(self, name: str) -> None:
        """Gives a name to the newest one of the list."""
        values = [name, name.lower(), self.newest]
        self.primary.sql("UPDATE signatures_signature SET name = %s, search_text = %s WHERE id = %s", values)

    def hide(self) -> None:
        self.primary.sql("UPDATE signatures_signature SET visibility = 'delivery' WHERE id = %s", [self.newest])

    @property
    def newest(self) -> int:
        rows = self.primary.sql(
            "SELECT id FROM signatures_signature WHERE state = 'approved' AND kind = 'person' AND visibility = 'public'"
            " AND featured_position IS NULL ORDER BY approved_on DESC, public_id LIMIT 1"
        )
        return int(rows[0][0])

    def list(self) -> str:
        """Returns the list, with a query: such a page is never from memory."""
        status, page = self.live.get(f"{LIST}?kind=person")
        assert status == 200
        return page


def until(condition: Callable[[], object], seconds: float = 20) -> float:
    """Waits until something is so. Returns the seconds that it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds
        time.sleep(0.1)
    return time.monotonic() - begun


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("replica")
    folder.chmod(0o755)
    with PostgresServer.running(folder / "primary") as primary:
        follower = PostgresServer(folder / "replica")
        follower.replicate(primary)
        follower.start()
        try:
            with LiveSite.temporary(
                free_port(), DATABASE_URL=primary.url, REPLICA_URL=follower.url, COUNT_STEP_MINUTES="0"
            ) as live:
                live.run("make_signatures", "300")
                yield Site(live, primary, follower)
        finally:
            follower.kill()


@pytest.fixture(autouse=True)
def reads_from_replica(site: Site) -> None:
    """The replica replays, and the site knows it."""
    site.replica.sql("SELECT pg_wal_replay_resume()")
    until(lambda: reads_at(site.replica, site) > 0)


def reads_at(server: PostgresServer, site: Site) -> int:
    """Returns how often the list read a table of this server."""
    server.sql("SELECT pg_stat_force_next_flush()")
    before = server.sql(READS)[0][0]
    for _each in range(3):
        site.list()
    time.sleep(1.2)  # a server tells its numbers once a second
    site.list()
    return int(server.sql(READS)[0][0] - before)


def test_the_list_is_read_from_the_replica(site: Site) -> None:
    site.show("Read There")
    until(lambda: "Read There" in site.list(), replica.MAX_LAG_SECONDS)
    status, found = site.live.get(f"{LIST}?q=read+there")
    assert (status, "Read There" in found) == (200, True)
    assert site.live.get(f"{LIST}countries/")[0] == 200
    assert site.live.get("/api/v1" + LETTER)[0] == 200


def test_a_name_that_leaves_is_gone_from_the_list_when_the_replica_no_longer_replays(site: Site) -> None:
    site.show("Soon Gone")
    until(lambda: "Soon Gone" in site.list())
    site.replica.sql("SELECT pg_wal_replay_pause()")
    site.hide()
    assert until(lambda: "Soon Gone" not in site.list()) < replica.MAX_LAG_SECONDS + 2
    site.replica.sql("SELECT pg_wal_replay_resume()")
    until(lambda: reads_at(site.replica, site) > 0)


def test_a_replica_that_is_cut_off_from_its_primary_is_not_read_though_it_has_replayed_all(site: Site) -> None:
    site.replica.sql("ALTER SYSTEM SET primary_conninfo = ''")
    site.replica.sql("SELECT pg_reload_conf()")
    try:
        site.show("Never There")
        assert until(lambda: "Never There" in site.list()) < replica.MAX_LAG_SECONDS + 2
    finally:
        site.replica.sql("ALTER SYSTEM RESET primary_conninfo")
        own = f"host={site.primary.host} port={site.primary.port} user=undersigned"
        site.replica.sql(f"ALTER SYSTEM SET primary_conninfo = '{own}'")
        site.replica.sql("SELECT pg_reload_conf()")


def seconds(work: Callable[[], object], times: int = 1) -> float:
    begun = time.monotonic()
    for _each in range(times):
        work()
    return time.monotonic() - begun


def test_a_replica_that_is_away_costs_a_moment(site: Site) -> None:
    ordinary = seconds(site.list, 20)
    site.replica.kill()
    try:
        assert seconds(site.list, 20) - ordinary < 4
    finally:
        site.replica.start()


def test_O16_a_replica_that_hangs_makes_a_page_wait_once_and_signing_never(site: Site) -> None:
    def read_and_sign() -> None:
        site.list()
        assert site.live.get(LETTER)[0] == 200
        assert site.live.get(f"{LETTER}my-link/")[0] == 200
        assert site.live.get("/readyz")[0] == 200

    ordinary, one_ordinary = seconds(read_and_sign, 10), seconds(site.list)
    with site.replica.hanging():
        first = seconds(site.list)
        assert first > 1, "it was asked"
        assert first - one_ordinary < 4
        assert seconds(read_and_sign, 10) - ordinary < 4
