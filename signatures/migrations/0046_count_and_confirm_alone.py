from django.db import migrations

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("signatures", "0045_validate_reasons")]

    operations = [
        run_sql_file(
            __file__,
            "count_and_confirm_alone.sql",
            undo="DROP FUNCTION signatures_count_event(bytea[], text[], int[], bigint[], boolean);"
            "DROP FUNCTION signatures_confirm_alone(bigint, jsonb, text[], jsonb, int, int)",
        )
    ]
