from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    atomic = False  # the lock on letters must not wait for that on deliveries
    dependencies = [("campaign", "0009_texts_of_drafts"), ("signatures", "0017_pepper_fingerprint")]

    operations = [
        run_sql_file(
            __file__,
            "letters_of_signers.sql",
            undo="DROP FUNCTION signatures_letter_of_signers_stays() CASCADE",
        ),
        migrations.AddField(
            model_name="delivery",
            name="slug",
            field=models.SlugField(db_default="", db_index=False, editable=False),
        ),
        run_sql_file(__file__, "slug_of_delivery.sql", undo="DROP FUNCTION signatures_delivery_keeps_slug() CASCADE"),
    ]
