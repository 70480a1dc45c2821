from django.db import migrations, models

import signatures.models.base
from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    """Public counts and lists change in steps of time: each rule is explained in its `.sql` file."""

    dependencies = [("signatures", "0007_functions_of_signing")]

    operations = [
        run_sql_file(__file__, "count_steps.sql", undo="DROP FUNCTION signatures_next_minute()"),
        migrations.AddField(
            model_name="countdelta",
            name="counts_from",
            field=models.DateTimeField(db_default=signatures.models.base.NextMinute(), null=True),
        ),
        migrations.AddField(
            model_name="signature", name="public_from", field=models.DateTimeField(editable=False, null=True)
        ),
        run_sql_file(__file__, "public_from.sql", undo="DROP FUNCTION signatures_set_public_from() CASCADE"),
    ]
