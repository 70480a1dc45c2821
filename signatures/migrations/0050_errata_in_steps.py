from django.db import migrations, models

import signatures.models.base


class Migration(migrations.Migration):
    """New errata are public from the next step of time; those that are there stay so."""

    dependencies = [("signatures", "0049_sliding_limits")]

    operations = [
        migrations.AddField("erratum", "public_from", models.DateTimeField(null=True)),
        migrations.AlterField(
            "erratum",
            "public_from",
            models.DateTimeField(db_default=signatures.models.base.NextMinute(), null=True),
        ),
    ]
