from django.db import migrations

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("signatures", "0006_mailbox_clusters")]

    operations = [
        run_sql_file(
            __file__,
            "submit_and_confirm.sql",
            undo="DROP FUNCTION signatures_submit(jsonb, jsonb, jsonb, int);"
            "DROP FUNCTION signatures_confirm(bigint, jsonb, text[], jsonb)",
        )
    ]
