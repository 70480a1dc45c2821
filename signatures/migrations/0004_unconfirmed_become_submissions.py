from django.db import migrations

from campaign.runtime.sql_files import load_sql, run_sql_file

_FORMER_FUNCTION = (
    load_sql(__file__, "sql/count_deltas.sql")
    .partition("CREATE TRIGGER")[0]
    .replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
)


class Migration(migrations.Migration):
    """Moves the rows, apart from the changes of tables: PostgreSQL changes no table while rows of it are in flight."""

    dependencies = [("signatures", "0003_submissions")]

    operations = [
        run_sql_file(__file__, "move_unconfirmed.sql", undo=load_sql(__file__, "sql/move_submissions_back.sql")),
        run_sql_file(__file__, "count_confirmed.sql", undo=_FORMER_FUNCTION),
    ]
