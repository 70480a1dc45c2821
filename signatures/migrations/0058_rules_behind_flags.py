from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file

FORMER = (
    f"{load_sql(__file__, 'sql/former_marks.sql')}; "
    "DROP FUNCTION signatures_pass_rules_on(bigint, bigint[], bigint, bytea)"
)


class Migration(migrations.Migration):
    """The flag of a bulk rule goes from row to row with the rules that raised it: their undo takes it from all."""

    dependencies = [("signatures", "0057_what_holds_emails_back")]

    operations = [
        migrations.AddField("tombstone", "rules", ArrayField(models.BigIntegerField(), db_default=[], default=list)),
        run_sql_file(__file__, "rules_behind_flags.sql", undo=FORMER),
    ]
