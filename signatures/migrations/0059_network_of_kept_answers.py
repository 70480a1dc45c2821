from django.db import migrations, models


class Migration(migrations.Migration):
    """The answers of one network share places."""

    dependencies = [("signatures", "0058_rules_behind_flags")]

    operations = [
        migrations.AddField(
            "keptform", "network", models.CharField(blank=True, db_default="", default="", max_length=16)
        ),
    ]
