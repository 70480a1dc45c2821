from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file

FORMER = load_sql(__file__, "sql/frozen_deliveries.sql").partition("signatures_delivery_entry_is_frozen()")[2]


class Migration(migrations.Migration):
    dependencies = [("signatures", "0039_statements")]

    operations = [
        migrations.AddField(
            "deliveryentry",
            "source",
            models.CharField(blank=True, db_default="", default="", max_length=8),
        ),
        # The column stays for the code of version 0.9, which works on while this migrates.
        migrations.AlterField("deliveryentry", "on_paper", models.BooleanField(db_default=False, default=False)),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("deliveryentry", "on_paper")]),
        run_sql_file(
            __file__,
            "sources_are_frozen.sql",
            undo="CREATE OR REPLACE FUNCTION signatures_delivery_entry_is_frozen()"
            + FORMER.partition("CREATE TRIGGER")[0],
        ),
    ]
