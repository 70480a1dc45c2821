from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("signatures", "0026_validate_kind")]

    operations = [
        migrations.CreateModel(
            name="PageClaim",
            fields=[
                ("signature_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("staff_id", models.BigIntegerField()),
                ("until", models.DateTimeField()),
            ],
            options={"abstract": False, "default_permissions": []},
        ),
        migrations.CreateModel(
            name="QueueMail",
            fields=[
                ("staff_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("queued_on", models.DateField(null=True)),
            ],
            options={"abstract": False, "default_permissions": []},
        ),
        AddIndexConcurrently(
            "signature",
            models.Index(
                "signed_up_at",
                "id",
                name="put_aside",
                condition=models.Q(("flags__overlap", ["hold", "asked"]), ("state", "waiting")),
            ),
        ),
    ]
