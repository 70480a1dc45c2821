from django.db import migrations, models

import signatures.models.base


class Migration(migrations.Migration):
    """New editions are public from the next step of time; those that are there stay so."""

    dependencies = [("signatures", "0050_errata_in_steps")]

    operations = [
        migrations.AddField("deliveryedition", "public_from", models.DateTimeField(null=True)),
        migrations.AlterField(
            "deliveryedition",
            "public_from",
            models.DateTimeField(db_default=signatures.models.base.NextMinute(), null=True),
        ),
    ]
