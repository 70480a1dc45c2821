from django.db import migrations

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    """Where migration 0019 ran before it did this, too. From here on a column can be added while people sign."""

    dependencies = [("signatures", "0059_network_of_kept_answers")]

    operations = [run_sql_file(__file__, "lock_before_row.sql", undo="")]
