"""The one table of the bare views."""

from tests.bench.fixture import BenchSite


def make(house: BenchSite) -> None:
    """As many rows as the house has signatures."""
    house.sql("DROP TABLE IF EXISTS yardstick")
    house.sql(
        "CREATE TABLE yardstick (id bigserial PRIMARY KEY, name varchar(200) NOT NULL, email varchar(254) NOT NULL)"
    )
    house.sql(
        f"INSERT INTO yardstick (name, email) SELECT 'Name ' || n, n || '@example.org' FROM generate_series(1, {house.rows}) n"
    )
    house.sql("VACUUM ANALYZE yardstick")
