"""Database functions and triggers that a migration installs from the `.sql` files beside it."""

from pathlib import Path

from django.db.migrations import RunSQL


def run_sql_file(migration: str, name: str, undo: str) -> RunSQL:
    """The operation that runs `sql/<name>` from the folder of the migration (its `__file__`).

    Once released, a file is as fixed as the migration that runs it: a change is a new file, run by a new migration.
    """
    return RunSQL((Path(migration).parent / "sql" / name).read_text(encoding="utf-8"), undo)
