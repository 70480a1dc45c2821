from django.db import migrations

from campaign.models.languages import LanguageField


class Migration(migrations.Migration):
    """The database stays as it is: the field checks what is typed."""

    dependencies = [("campaign", "0010_text_parts_may_be_empty")]

    operations = [
        migrations.AlterField(model, "language", LanguageField(max_length=10, verbose_name="language"))
        for model in ("newstext", "privacytext", "translation")
    ]
