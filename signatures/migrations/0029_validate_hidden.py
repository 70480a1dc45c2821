from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("signatures", "0028_signer_requests")]

    operations = [
        ValidateConstraint("signature", "a_hidden_name_is_not_public"),
        ValidateConstraint("signature", "evidence_is_not_on_paper"),
    ]
