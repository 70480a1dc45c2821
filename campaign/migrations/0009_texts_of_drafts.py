from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file


class Migration(migrations.Migration):
    dependencies = [("campaign", "0008_loaded_folder")]

    operations = [
        migrations.AlterField(
            model_name="letter",
            name="slug",
            field=models.SlugField(
                help_text="Part of the letter's address. The former address of a public letter leads to the new one for ever.",
                unique=True,
                verbose_name="slug",
            ),
        ),
        run_sql_file(__file__, "texts_of_drafts.sql", undo=load_sql(__file__, "sql/texts_taken_back.sql")),
    ]
