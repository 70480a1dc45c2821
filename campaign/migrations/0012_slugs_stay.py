from django.db import migrations, models

import campaign.models.letter
from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("campaign", "0011_languages")]

    operations = [
        migrations.AlterField(
            model_name="letter",
            name="accent_color",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of buttons, links and the letterhead, on the letter's pages and in its emails.",
                max_length=7,
                validators=[campaign.models.letter.check_color],
                verbose_name="color",
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="recipient",
            field=models.CharField(
                max_length=200, validators=[campaign.models.letter.check_one_line], verbose_name="recipient"
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                help_text="Of the opening and the closing time, here and on the letter's page.",
                max_length=40,
                validators=[campaign.models.letter.check_time_zone],
                verbose_name="time zone",
            ),
        ),
        run_sql_file(__file__, "slugs_stay.sql", undo=""),  # the former function was the same but for drafts
        # The code before knows no such state.
        migrations.RunSQL(
            migrations.RunSQL.noop, "UPDATE campaign_letter SET state = 'closed' WHERE state = 'archived'"
        ),
    ]
