from django.db import migrations

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    """Rules that hold whoever writes to the database: each is explained in its `.sql` file.

    Backwards, CASCADE drops the triggers with the function they call.
    """

    dependencies = [("campaign", "0001_initial")]

    operations = [
        run_sql_file(__file__, "frozen_texts.sql", undo="DROP FUNCTION campaign_published_text_is_frozen() CASCADE"),
    ]
