from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaign", "0006_unofficial_drafts")]
    operations = [
        migrations.AddField(
            model_name="translation",
            name="recipient",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As a sentence of this language names them. Left empty, it is what the letter says.",
                max_length=200,
                verbose_name="recipient",
            ),
        )
    ]
