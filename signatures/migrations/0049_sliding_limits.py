from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    """Limits slide. The function of five parameters, which counts in fixed spans, serves the code before this one."""

    dependencies = [("signatures", "0048_wide_networks_of_logins_and_reports")]

    operations = [
        migrations.AddField("ratebucket", "former_count", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("ratebucket", "former_key", models.BinaryField(max_length=32, null=True)),
        migrations.AddField("ratebucket", "is_over", models.BooleanField(db_default=False, default=False)),
        migrations.AddField("ratebucket", "over_count", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("ratebucket", "part_until", models.FloatField(db_default=0, default=0)),
        migrations.AddField("ratebucket", "part_count", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.AddField("ratebucket", "part_last", models.FloatField(db_default=0, default=0)),
        migrations.AddField(
            "ratebucket", "past_counts", ArrayField(models.IntegerField(), db_default=[], default=list)
        ),
        migrations.AddField("ratebucket", "past_lasts", ArrayField(models.FloatField(), db_default=[], default=list)),
        migrations.AddField("ratebucket", "span_end", models.DateTimeField(null=True)),
        migrations.AlterField("ratebucket", "until", models.DateTimeField()),
        run_sql_file(
            __file__,
            "sliding_limits.sql",
            undo="DROP FUNCTION signatures_count_event"
            "(double precision, bytea[], bytea[], text[], int[], int[], double precision, boolean)",
        ),
    ]
