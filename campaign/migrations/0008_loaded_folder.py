import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaign", "0007_validate_letter_state")]

    operations = [
        migrations.CreateModel(
            name="LoadedFolder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("values", models.JSONField(default=dict, verbose_name="values")),
                (
                    "letter",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="loaded_folder",
                        to="campaign.letter",
                        verbose_name="letter",
                    ),
                ),
            ],
        ),
    ]
