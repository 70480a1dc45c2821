from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file

FORMER = load_sql(__file__, "sql/frozen_deliveries.sql").partition("CREATE TRIGGER delivery_is_frozen")[0]


class Migration(migrations.Migration):
    dependencies = [("signatures", "0038_count_paper_apart")]

    operations = [
        migrations.AddField(
            "delivery",
            "format",
            models.PositiveSmallIntegerField(db_default=1, default=2, editable=False, verbose_name="format"),
        ),
        migrations.AddField(
            "delivery",
            "method",
            models.JSONField(
                db_default=models.Value({}, models.JSONField()), default=dict, editable=False, verbose_name="method"
            ),
        ),
        migrations.AddField(
            "delivery",
            "remake_wanted",
            models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            "delivery",
            "statement",
            models.TextField(blank=True, db_default="", default="", editable=False, verbose_name="statement"),
        ),
        migrations.AddField(
            "delivery",
            "statement_sha256",
            models.BinaryField(max_length=32, null=True, unique=True),
        ),
        migrations.AddField(
            "delivery",
            "signature",
            models.TextField(blank=True, db_default="", default="", editable=False, verbose_name="signature"),
        ),
        run_sql_file(
            __file__,
            "statements_are_frozen.sql",
            undo=FORMER.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        ),
    ]
