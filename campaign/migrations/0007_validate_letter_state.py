from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaign", "0006_several_letters")]

    operations = [ValidateConstraint("letter", "letter_state_is_registered")]
