from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file

_, START, REST = load_sql(__file__, "sql/submit_and_confirm.sql").partition("FUNCTION signatures_confirm(")
FORMER = f"CREATE OR REPLACE {START}{REST}"


class Migration(migrations.Migration):
    """What is withdrawn, erased or deleted leaves its burst marks to whatever the same address signs next."""

    dependencies = [("signatures", "0051_editions_in_steps")]

    operations = [
        migrations.CreateModel(
            name="FormerMarks",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("letter_id", models.BigIntegerField()),
                ("address_hash", models.BinaryField(max_length=32)),
                ("marks", ArrayField(models.CharField(max_length=16))),
                ("signed_up_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
                "default_permissions": [],
                "indexes": [models.Index("letter_id", "address_hash", name="former_marks_of_address")],
            },
        ),
        run_sql_file(__file__, "former_marks.sql", undo=FORMER),
    ]
