from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaign", "0014_notices"),
    ]

    operations = [
        migrations.AddField(
            model_name="letter",
            name="protected_names",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="One a line, in any script: whoever signs under one of them is looked at, in any order, with titles. Recipient, address and signatories of all texts are among them already.",
                max_length=5000,
                verbose_name="protected names",
            ),
        ),
    ]
