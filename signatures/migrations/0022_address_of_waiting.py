from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("signatures", "0021_address_of_submissions")]

    operations = [
        migrations.AddField("signature", "question_address", models.BinaryField(editable=False, null=True)),
        run_sql_file(__file__, "question_address.sql", undo="DROP FUNCTION signatures_drop_question_address() CASCADE"),
    ]
