from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file

PAGE_LANGUAGE = models.CharField(
    blank=True, db_default="", default="", editable=False, max_length=10, verbose_name="language of the page"
)


class Migration(migrations.Migration):
    # Whoever signs and whoever confirms want both tables: the lock on one must not wait for that on the other.
    atomic = False
    dependencies = [("signatures", "0018_letters_of_signers")]

    operations = [
        run_sql_file(__file__, "submit_with_page_language.sql", undo=""),  # it works without the column, too
        run_sql_file(__file__, "lock_before_row.sql", undo=""),
        migrations.AddField("submission", "page_language", PAGE_LANGUAGE),
        migrations.AddField("signature", "page_language", PAGE_LANGUAGE),
    ]
