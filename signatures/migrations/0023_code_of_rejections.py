from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0022_address_of_waiting")]

    operations = [
        migrations.AddField(
            "rejectionreason",
            "code",
            models.CharField(
                choices=[
                    ("not-a-name", "The name does not look like the name of a person or an organization."),
                    ("other-person", "The name seems to be that of somebody else."),
                    ("harmful", "Some of the words could hurt or frighten somebody."),
                    ("advertising", "Some of the words advertise something."),
                    ("twice", "You have signed this letter already, and each person is counted once."),
                    ("organization", "We could not tell that you may sign for this organization."),
                    ("other", "It does not fit this letter."),
                ],
                db_default="other",
                default="other",
                max_length=20,
                verbose_name="what the signer is told",
            ),
        ),
    ]
