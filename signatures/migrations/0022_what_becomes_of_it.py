from typing import Any

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models, transaction

from campaign.runtime.locks import AdvisoryLock, block_lock
from campaign.runtime.sql_files import load_sql, run_sql_file

# Of the reasons of a new site as they were; those that an owner wrote stay without one.
CODES = {
    "not-a-name": "Not a name",
    "other-person": "The name of somebody else",
    "harmful": "Insult, mockery or threat",
    "advertising": "Advertising",
    "twice": "Signed twice",
    "organization": "Does not speak for this organization",
}
QUESTION_ADDRESS = models.BinaryField(editable=False, null=True)
CELL_HAS_KIND = models.CheckConstraint(
    condition=models.Q(("state", ""), models.Q(("kind", ""), _negated=True), _connector="OR"), name="a_cell_has_a_kind"
)


def set_codes(apps: Any, _editor: Any) -> None:
    for code, text in CODES.items():
        apps.get_model("signatures", "RejectionReason").objects.filter(text=text).update(code=code)


def count_kinds(_apps: Any, editor: Any) -> None:
    """Count organizations apart, while no worker folds.

    The constraint stops a worker of the code before, which would fold organizations into people. Until it is replaced
    the deltas wait.
    """
    with block_lock(AdvisoryLock.FOLD_COUNT_DELTAS, seconds=60):
        with transaction.atomic(), editor.connection.cursor() as cursor:
            cursor.execute(load_sql(__file__, "sql/count_kinds.sql"))
        editor.execute(
            "ALTER TABLE signatures_countdelta ADD CONSTRAINT a_cell_has_a_kind CHECK (state = '' OR kind <> '') NOT VALID"
        )


def count_no_kinds(_apps: Any, editor: Any) -> None:
    with transaction.atomic(), editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE signatures_countdelta DROP CONSTRAINT a_cell_has_a_kind")
        cursor.execute(load_sql(__file__, "sql/count_confirmed.sql"))


class Migration(migrations.Migration):
    atomic = False  # the lock on one table must not wait for that on another
    dependencies = [("signatures", "0019_page_language")]

    operations = [
        migrations.AddField("submission", "question_address", QUESTION_ADDRESS),
        migrations.AddField("signature", "question_address", QUESTION_ADDRESS),
        run_sql_file(__file__, "question_address.sql", undo="DROP FUNCTION signatures_drop_question_address() CASCADE"),
        migrations.AddField(
            "rejectionreason",
            "code",
            models.CharField(
                choices=[
                    ("not-a-name", "The name does not look like the name of a person or an organization."),
                    ("other-person", "The name seems to be that of somebody else."),
                    ("harmful", "Some of the words could hurt or frighten somebody."),
                    ("advertising", "Some of the words advertise something."),
                    ("twice", "You have signed this letter already, and each person is counted once."),
                    ("organization", "We could not tell that you may sign for this organization."),
                    ("other", "It does not fit this letter."),
                ],
                db_default="other",
                default="other",
                max_length=20,
                verbose_name="what the signer is told",
            ),
        ),
        migrations.RunPython(set_codes, migrations.RunPython.noop),
        migrations.AddField(
            "countdelta", "kind", models.CharField(blank=True, db_default="", default="", max_length=12)
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(count_kinds, count_no_kinds)],
            state_operations=[migrations.AddConstraint("countdelta", CELL_HAS_KIND)],
        ),
        ValidateConstraint("countdelta", "a_cell_has_a_kind"),
    ]
