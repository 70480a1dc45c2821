from django.db import migrations, models

from campaign.runtime.sql_files import load_sql

KEY = load_sql(__file__, "sql/address_key.sql")
FORMER_COLUMNS, COLUMNS = "mailbox, language, recipient", "mailbox, address_key, language, recipient"
FORMER_VALUES = "mail ->> ''mailbox'', "
VALUES = f"{FORMER_VALUES}coalesce(mail ->> ''address_key'', ''''), "


class Migration(migrations.Migration):
    """An email that waits for the budget of the site is not stuck. The cap of a week is that of an address alone."""

    dependencies = [("signatures", "0056_no_words_of_nobody")]

    operations = [
        migrations.AddField("outboxhold", "budget_spent_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "outboxmail", "address_key", models.CharField(blank=True, db_default="", default="", max_length=16)
        ),
        migrations.RunSQL(
            KEY.format(
                columns_before=FORMER_COLUMNS, columns_after=COLUMNS, values_before=FORMER_VALUES, values_after=VALUES
            ),
            KEY.format(
                columns_before=COLUMNS, columns_after=FORMER_COLUMNS, values_before=VALUES, values_after=FORMER_VALUES
            ),
        ),
    ]
