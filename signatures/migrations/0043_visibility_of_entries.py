from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file


class Migration(migrations.Migration):
    dependencies = [("signatures", "0042_attestations")]

    operations = [
        migrations.AddField(
            "deliveryentry",
            "visibility",
            models.CharField(blank=True, db_default="", default="", max_length=10),
        ),
        run_sql_file(__file__, "visibility_is_frozen.sql", undo=load_sql(__file__, "sql/sources_are_frozen.sql")),
    ]
