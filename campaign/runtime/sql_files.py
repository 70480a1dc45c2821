"""SQL that lives in `.sql` files beside the Python that runs it."""

from pathlib import Path

from django.db.migrations import RunSQL


def load_sql(module_file: str, name: str) -> str:
    """Returns the text of the file `name` in the folder of a module.

    A module loads its statements once, into a constant: `_DECIDE = load_sql(__file__, "decide.sql")`. Parameters are
    named, `%(name)s`; a literal percent sign is written `%%`, in comments too.

    Args:
        module_file: the `__file__` of the module.
        name: the name of the file, with its ending.
    """
    return (Path(module_file).parent / name).read_text(encoding="utf-8")


def run_sql_file(migration: str, name: str, undo: str) -> RunSQL:
    """Returns the operation that runs `sql/<name>` from the folder of the migration (its `__file__`).

    Once released, a file is as fixed as the migration that runs it: a change is a new file, run by a new migration.
    """
    return RunSQL(load_sql(migration, f"sql/{name}"), undo)
