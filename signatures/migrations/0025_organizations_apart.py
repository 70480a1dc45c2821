from typing import Any

from django.db import migrations, models, transaction

from campaign.runtime.locks import AdvisoryLock, block_lock
from campaign.runtime.sql_files import load_sql

# Of the reasons of a new site as they were; those that an owner wrote stay without one.
CODES = {
    "not-a-name": "Not a name",
    "other-person": "The name of somebody else",
    "harmful": "Insult, mockery or threat",
    "advertising": "Advertising",
    "twice": "Signed twice",
    "organization": "Does not speak for this organization",
}
CELL_HAS_KIND = models.CheckConstraint(
    condition=models.Q(("state", ""), models.Q(("kind", ""), _negated=True), _connector="OR"), name="a_cell_has_a_kind"
)
ADD_CONSTRAINT = (
    "ALTER TABLE signatures_countdelta ADD CONSTRAINT a_cell_has_a_kind CHECK (state = '' OR kind <> '') NOT VALID"
)


def set_codes(apps: Any, _editor: Any) -> None:
    for code, text in CODES.items():
        apps.get_model("signatures", "RejectionReason").objects.filter(text=text).update(code=code)


def count_kinds(_apps: Any, editor: Any) -> None:
    """Count organizations apart, while no worker folds. Done again after a lock that did not come, it is the same.

    The constraint stops a worker of the code before, which would fold organizations into people. Until it is replaced
    the deltas wait.
    """
    with block_lock(AdvisoryLock.FOLD_COUNT_DELTAS, seconds=60):
        with transaction.atomic(), editor.connection.cursor() as cursor:
            cursor.execute(load_sql(__file__, "sql/count_kinds.sql"))
        editor.execute(ADD_CONSTRAINT)


def count_no_kinds(_apps: Any, editor: Any) -> None:
    with transaction.atomic(), editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_countdelta DROP CONSTRAINT a_cell_has_a_kind")
        cursor.execute(load_sql(__file__, "sql/count_confirmed.sql"))


class Migration(migrations.Migration):
    atomic = False  # the lock on one table must not wait for that on another
    dependencies = [("signatures", "0024_kind_of_counts")]

    operations = [
        migrations.RunPython(set_codes, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(count_kinds, count_no_kinds)],
            state_operations=[migrations.AddConstraint("countdelta", CELL_HAS_KIND)],
        ),
    ]
