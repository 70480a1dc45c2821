from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("signatures", "0044_reasons_of_editions")]

    operations = [ValidateConstraint("deliveryedition", "edition_reason_is_known")]
