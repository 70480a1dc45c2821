from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the table is written to meanwhile
    dependencies = [("signatures", "0032_refused_emails")]

    operations = [
        AddIndexConcurrently(
            "outboxmail",
            models.Index("refused_at", name="outbox_refused", condition=models.Q(("refused_at__isnull", False))),
        )
    ]
