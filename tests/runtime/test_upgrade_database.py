"""`upgrade_database`: the embedded PostgreSQL moves to the next major version, and no row is lost."""

import io
import shutil
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from campaign.runtime import cluster, database

pytestmark = pytest.mark.xdist_group("upgrade_database")
SIXTEEN = cluster.binaries("pginstall")  # shipped by the package, beside those of 18
SEVENTEEN = Path("/usr/lib/postgresql/17/bin")  # Debian's
OLD = [pytest.param(SIXTEEN, id="16"), pytest.param(SEVENTEEN, id="17", marks=pytest.mark.skipif(not SEVENTEEN.exists(), reason="needs Debian's postgresql-17"))]  # fmt: skip


def connect(folder: Path) -> Any:
    return psycopg2.connect(host=str(folder), user="undersigned", dbname="undersigned")


def make_old(folder: Path, programs: Path, more: str = "") -> None:
    cluster.make_cluster(folder, programs)
    cluster.make_database(folder, programs)
    process = cluster.start_server(folder, programs)
    session = connect(folder)
    with session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE signer AS SELECT i AS id, 'Ada ' || i AS name FROM generate_series(1, 5000) AS i")
        cursor.execute(f"CREATE INDEX by_name ON signer (name); {more}")
    session.close()
    cluster.stop_server(folder, process)


@pytest.fixture
def embedded(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a site with the embedded database, which is not there yet."""
    settings.DATABASE_URL, settings.VAR_DIR = "", tmp_path_factory.mktemp("v")
    for folder in (settings.VAR_DIR, settings.VAR_DIR.parent, settings.VAR_DIR.parent.parent):
        folder.chmod(0o755)  # PostgreSQL runs as another user if this is root
    settings.POSTGRES_DIR = settings.VAR_DIR / "postgres"
    return Path(settings.POSTGRES_DIR)


def upgrade(*words: str) -> str:
    said = io.StringIO()
    call_command("upgrade_database", *words, stdout=said)
    return said.getvalue()


@pytest.mark.parametrize("programs", OLD)
def test_O8_all_rows_are_there_after_an_upgrade_and_the_old_data_stays(embedded: Path, programs: Path) -> None:
    make_old(embedded, programs)
    old = cluster.version_of(embedded)
    with pytest.raises(database.DatabaseUnavailable, match=rf"is of PostgreSQL {old}, .* run `upgrade_database`\.$"):
        database.running().__enter__()

    assert "PostgreSQL 18 now, with all 5000 rows" in upgrade()

    with database.running():
        session = connect(embedded)
        with session, session.cursor() as cursor:
            cursor.execute("SELECT count(*), max(name) FROM signer")
            assert cursor.fetchone() == (5000, "Ada 999")
        session.close()
    assert cluster.version_of(embedded.with_name(f"postgres.{old}")) == old
    assert "already" in upgrade()


def test_the_old_data_is_deleted_only_after_a_yes(embedded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = embedded.with_name("postgres.16")
    for folder in (embedded, kept):
        folder.mkdir()
        (folder / "PG_VERSION").write_text("18\n")
    monkeypatch.setattr("builtins.input", lambda _question: "")
    upgrade("--remove-old")
    assert kept.exists()
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    upgrade("--remove-old")
    assert not kept.exists() and embedded.exists()


def test_it_refuses_while_the_site_runs_or_the_disk_is_too_small(
    embedded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.mkdir()
    (embedded / "PG_VERSION").write_text("16\n")
    with database.single_instance("serve"), pytest.raises(CommandError, match="Another `serve` is already running"):
        upgrade()
    usage = shutil.disk_usage(embedded)._replace(free=1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)
    with pytest.raises(CommandError, match=r"^The copy needs \d+ MB beside the old data, and 0 MB are free"):
        upgrade()


def test_it_refuses_without_the_programs_of_the_old_version(embedded: Path) -> None:
    embedded.mkdir()
    (embedded / "PG_VERSION").write_text("9\n")
    with pytest.raises(CommandError, match=r"There are no programs of PostgreSQL 9: install .* with --programs\.$"):
        upgrade()


def test_O8_a_stop_between_the_renames_makes_no_empty_database(embedded: Path) -> None:
    make_old(embedded, SIXTEEN)
    embedded.rename(embedded.with_name("postgres.16"))
    with pytest.raises(database.DatabaseUnavailable, match="go on with `upgrade_database`"):
        database.running().__enter__()
    assert "all 5000 rows" in upgrade()


def test_an_upgrade_that_fails_leaves_the_old_data(embedded: Path) -> None:
    make_old(embedded, SIXTEEN, "CREATE TABLE refused AS SELECT 'now'::regproc AS name")  # a type that cannot be moved
    with pytest.raises(CommandError, match=r"(?s)^`pg_upgrade` failed: .*reg"):
        upgrade()
    assert cluster.version_of(embedded) == "16" and database.former_folders() == []


def test_without_a_terminal_old_data_is_not_deleted_and_the_command_says_what_to_add(
    embedded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.mkdir()
    (embedded / "PG_VERSION").write_text("18\n")
    former = embedded.with_name("postgres.16")
    former.mkdir()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match=r"postgres\.16 is kept\. With --yes nothing is asked\.$"):
        call_command("upgrade_database", remove_old=True)
    assert former.is_dir()
