"""The one table of the bare views."""

from tests.bench.fixture import BenchSite


def make(site: BenchSite) -> None:
    """Makes as many rows as the site has signatures."""
    site.sql("DROP TABLE IF EXISTS yardstick")
    site.sql(
        "CREATE TABLE yardstick (id bigserial PRIMARY KEY, name varchar(200) NOT NULL, email varchar(254) NOT NULL)"
    )
    site.sql(
        f"INSERT INTO yardstick (name, email) SELECT 'Name ' || n, n || '@example.org' FROM generate_series(1, {site.rows}) n"
    )
    site.sql("VACUUM ANALYZE yardstick")
