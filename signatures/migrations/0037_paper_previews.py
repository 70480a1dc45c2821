from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

EVENTS = [
    ("sign-up", "sign-ups"),
    ("confirm", "confirmations"),
    ("approve", "approvals"),
    ("reject", "rejections"),
    ("withdraw", "withdrawals"),
    ("paper", "from paper"),
]
STEPS = [("preview", "preview"), ("running", "running"), ("done", "imported")]
COLUMNS: dict[str, Any] = {
    # The code before knows imported files alone.
    "step": models.CharField("state", choices=STEPS, db_default="done", default="preview", max_length=10),
    "sealed_file": models.BinaryField(null=True),
    "sealed_preview": models.BinaryField(null=True),
    "expires_at": models.DateTimeField(editable=False, null=True),
    "columns": models.JSONField(db_default={}, default=dict, editable=False),
    "done": models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
    "seen_at": models.DateTimeField(editable=False, null=True),
    "failure": models.CharField(blank=True, db_default="", default="", editable=False, max_length=200),
}
FILE_IS_GONE = models.CheckConstraint(
    condition=models.Q(
        models.Q(("step", "done"), _negated=True),
        models.Q(("sealed_file__isnull", True), ("sealed_preview__isnull", True)),
        _connector="OR",
    ),
    name="an_imported_file_is_gone",
)


class Migration(migrations.Migration):
    dependencies = [("signatures", "0036_validate_staff_mail")]

    operations = [
        *(migrations.AddField("paperimport", name, field) for name, field in COLUMNS.items()),
        AddConstraintNotValid("paperimport", FILE_IS_GONE),
        migrations.AlterField("hourlystatistic", "event", models.CharField(choices=EVENTS, max_length=10)),
    ]
