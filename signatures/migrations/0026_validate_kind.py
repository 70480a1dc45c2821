from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("signatures", "0025_organizations_apart")]

    operations = [ValidateConstraint("countdelta", "a_cell_has_a_kind")]
