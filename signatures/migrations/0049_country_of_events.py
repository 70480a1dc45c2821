from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0048_wide_networks_of_logins_and_reports")]

    operations = [
        migrations.AddField(
            "countdelta",
            "event_country",
            models.CharField(blank=True, max_length=2, null=True),
        )
    ]
