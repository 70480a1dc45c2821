from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

SIGNER_KINDS = ["link", "links", "reminder", "question", "update"]
TO_SIGNER_OR_STAFF = models.CheckConstraint(
    condition=models.Q(kind__in=SIGNER_KINDS, signature__isnull=False, staff_id__isnull=True)
    | models.Q(kind__in=["invite", "reset", "alarm", "factor-reset"], signature__isnull=True, staff_id__isnull=False),
    name="mail_goes_to_a_signer_or_to_staff",
)


class Migration(migrations.Migration):
    dependencies = [("signatures", "0034_second_factor_resets")]

    operations = [
        migrations.AlterField(
            model_name="outboxmail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("link", "link to confirm"),
                    ("links", "personal links asked for"),
                    ("reminder", "reminder to confirm"),
                    ("question", "question of staff"),
                    ("update", "what became of the letter"),
                    ("invite", "invitation of a member of staff"),
                    ("reset", "password reset of a member of staff"),
                    ("alarm", "alarm to a member of staff"),
                    ("factor-reset", "a second factor was reset by an owner"),
                ],
                max_length=20,
            ),
        ),
        migrations.RemoveConstraint("outboxmail", "mail_goes_to_a_signer_or_to_staff"),
        AddConstraintNotValid("outboxmail", TO_SIGNER_OR_STAFF),
        # The code before knows no such email.
        migrations.RunSQL(migrations.RunSQL.noop, "DELETE FROM signatures_outboxmail WHERE kind = 'factor-reset'"),
    ]
