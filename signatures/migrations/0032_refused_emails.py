from django.db import migrations, models


class Migration(migrations.Migration):
    """Apart from that of `Suppression`: in one transaction both would wait for a sign-up that waits for them."""

    dependencies = [("signatures", "0031_suppressed_addresses")]

    operations = [
        migrations.AddField("outboxmail", "refused_at", models.DateTimeField(null=True)),
    ]
