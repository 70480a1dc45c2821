from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("signatures", "0035_emails_about_second_factors")]

    operations = [ValidateConstraint("outboxmail", "mail_goes_to_a_signer_or_to_staff")]
