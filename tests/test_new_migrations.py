"""A new migration suits the site that runs: it locks nobody out, and the code before it works on (threat model O8)."""

import re
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.docs.pages import page

pytestmark = pytest.mark.django_db(transaction=True)
# Those before are history; docs/operate/upgrade.md says which of them need a pause. These numbers stay as they are.
LAST_OF_HISTORY = {"campaign": 5, "signatures": 17}
# In a statement for a table that was there before: what it must not do, and what to do in its place.
RULES = {
    r"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)": "locks writers: AddIndexConcurrently, in a migration with atomic = False",
    r"ADD CONSTRAINT (?!.*(?:NOT VALID|USING INDEX))": "reads all rows under a lock: AddConstraintNotValid, and "
    "ValidateConstraint in the next migration",
    r"ALTER COLUMN \S+ (?:SET DATA )?TYPE": "writes all rows anew under a lock: a new column, filled in batches",
    r"ALTER COLUMN \S+ SET NOT NULL": "reads all rows under a lock: a constraint that is validated later",
    r"ADD COLUMN (?=.*NOT NULL)(?!.*(?:DEFAULT|GENERATED))|ALTER COLUMN \S+ DROP DEFAULT": "the code before it cannot insert: db_default, or null",
    r"DROP COLUMN|DROP TABLE|RENAME": "the code before it still needs it: in the release after",
    r"^(?:UPDATE|DELETE FROM)": "locks many rows: RunPython in batches, in a migration with atomic = False",
}


def statements(migration: migrations.Migration, state: ProjectState) -> list[str]:
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state.clone(), editor, collect_sql=True)
    return [line for line in editor.collected_sql if not line.startswith("--")]


def faults(migration: migrations.Migration, state: ProjectState) -> list[str]:
    """Returns what is wrong with a migration that says nothing of a pause."""
    if getattr(migration, "needs_pause", ""):
        return []
    found, sql = [], statements(migration, state)
    new = {name for line in sql for name in re.findall(r'^CREATE TABLE "(\w+)"', line)}
    for line in sql:
        if not new & set(re.findall(r'"(\w+)"', line)):
            found += [f"{line}: {advice}" for rule, advice in RULES.items() if re.search(rule, line)]
    if migration.atomic and any(isinstance(operation, migrations.RunPython) for operation in migration.operations):
        found.append("RunPython in one transaction: in batches, in a migration with atomic = False")
    return found


def new_migrations(loader: MigrationLoader) -> list[tuple[str, str]]:
    return [
        (app, name) for app, name in sorted(loader.disk_migrations) if int(name[:4]) > LAST_OF_HISTORY.get(app, 9999)
    ]


@pytest.mark.slow
def test_O8_every_new_migration_suits_the_site_that_runs() -> None:
    loader = MigrationLoader(connection)
    found = {
        key: faults(loader.disk_migrations[key], loader.project_state(key, at_end=False))
        for key in new_migrations(loader)
    }
    assert {key: lines for key, lines in found.items() if lines} == {}


def test_O8_a_migration_that_needs_a_pause_is_in_the_manual() -> None:
    loader = MigrationLoader(connection)
    pausing = [
        name
        for key in new_migrations(loader)
        if getattr(loader.disk_migrations[key], "needs_pause", "")
        for name in key[1:]
    ]
    assert [name for name in pausing if name not in page("operate/upgrade.md")] == []


LATER = models.Q(signed_up_at__isnull=False)
BAD = [
    migrations.AddIndex("signature", models.Index("role", name="by_role")),
    migrations.AddConstraint("signature", models.CheckConstraint(condition=LATER, name="later")),
    migrations.AddConstraint("signature", models.UniqueConstraint("role", name="one_role")),
    migrations.AlterField("signature", "role", models.TextField()),
    migrations.AlterField("signature", "confirmed_at", models.DateTimeField()),
    migrations.AddField("submission", "age", models.IntegerField(default=0)),
    migrations.RemoveField("submission", "comment"),
    migrations.RenameField("submission", "comment", "words"),
    migrations.DeleteModel("Submission"),
    migrations.RunSQL("UPDATE signatures_signature SET role = ''"),
    migrations.RunPython(migrations.RunPython.noop),
]
GOOD: list[tuple[bool, Any]] = [
    (False, AddIndexConcurrently("signature", models.Index("role", name="by_role"))),
    (True, AddConstraintNotValid("signature", models.CheckConstraint(condition=LATER, name="later"))),
    (True, ValidateConstraint("signature", "later")),
    (True, migrations.AddField("submission", "age", models.IntegerField(null=True))),
    (True, migrations.AddField("submission", "age", models.IntegerField(default=0, db_default=0))),
    (True, migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True)), ("day", models.DateField(db_index=True))])),
    (False, migrations.RunPython(migrations.RunPython.noop)),
]  # fmt: skip


def migration_of(operation: Any, **attributes: Any) -> migrations.Migration:
    made = type("Tried", (migrations.Migration,), {"operations": [operation], **attributes})
    return made("9999_tried", "signatures")  # type: ignore[no-any-return]


@pytest.mark.parametrize("operation", BAD, ids=lambda one: one.describe())
def test_O8_an_operation_that_locks_or_breaks_is_refused(operation: Any) -> None:
    state = MigrationLoader(connection).project_state()
    assert len(faults(migration_of(operation, atomic=True), state)) == 1


@pytest.mark.parametrize(("atomic", "operation"), GOOD, ids=lambda one: getattr(one, "describe", str)())
def test_O8_an_operation_that_suits_is_taken(atomic: bool, operation: Any) -> None:
    state = MigrationLoader(connection).project_state()
    assert faults(migration_of(operation, atomic=atomic), state) == []


def test_O8_a_migration_may_say_that_it_needs_a_pause() -> None:
    migration = migration_of(BAD[0], needs_pause="20 s")
    assert faults(migration, MigrationLoader(connection).project_state()) == []
