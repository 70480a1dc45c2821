from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("signatures", "0041_editions")]

    operations = [
        migrations.AddField("delivery", "time_stamp", models.BinaryField(null=True)),
        migrations.AddField(
            "delivery",
            "countersignature",
            models.TextField(blank=True, db_default="", default="", editable=False, verbose_name="countersignature"),
        ),
        migrations.AddField(
            "delivery",
            "auditor_key",
            models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=60, verbose_name="key of the auditor"
            ),
        ),
        run_sql_file(
            __file__, "attestations_are_frozen.sql", undo="DROP FUNCTION signatures_attestation_stays() CASCADE"
        ),
    ]
