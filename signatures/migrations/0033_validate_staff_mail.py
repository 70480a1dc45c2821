from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("signatures", "0032_second_factor_resets")]

    operations = [ValidateConstraint("outboxmail", "mail_goes_to_a_signer_or_to_staff")]
