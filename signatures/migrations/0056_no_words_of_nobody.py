from django.db import migrations

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    """A signature is deleted when no delivery has its words any more, and not before."""

    dependencies = [("signatures", "0055_count_by_country")]

    operations = [
        run_sql_file(__file__, "no_words_of_nobody.sql", undo="DROP FUNCTION signatures_words_go_first() CASCADE"),
    ]
