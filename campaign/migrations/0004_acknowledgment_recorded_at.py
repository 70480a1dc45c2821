from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaign", "0003_signers_per_mailbox"),
    ]

    operations = [
        migrations.AddField(
            model_name="letter",
            name="acknowledged_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="acknowledgment recorded at"),
        ),
        migrations.AlterField(
            model_name="letter",
            name="acknowledged_on",
            field=models.DateField(editable=False, null=True, verbose_name="acknowledged on"),
        ),
        # When it was recorded is not known: nothing goes sooner than it would if that was now.
        migrations.RunSQL(
            "UPDATE campaign_letter SET acknowledged_at = now() WHERE acknowledged_on IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
