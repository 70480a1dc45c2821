from django.db import migrations, models


class Migration(migrations.Migration):
    """The random half of the keys of digests of networks, one for each day (threat model R12)."""

    dependencies = [("signatures", "0008_count_steps")]

    operations = [
        migrations.CreateModel(
            name="DailyKey",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("number", models.BinaryField(max_length=32)),
            ],
            options={"default_permissions": []},
        ),
    ]
