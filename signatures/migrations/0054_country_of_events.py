from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0053_codes_in_a_day")]

    operations = [
        migrations.AddField(
            "countdelta",
            "event_country",
            models.CharField(blank=True, max_length=2, null=True),
        )
    ]
