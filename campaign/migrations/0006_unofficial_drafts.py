from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaign", "0005_news")]
    operations = [
        migrations.AddField(
            model_name="translation",
            name="unofficial",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Readers are told so. Once the text is published, it stays.",
                verbose_name="unofficial draft",
            ),
        ),
        migrations.AddConstraint(
            model_name="translation",
            constraint=models.CheckConstraint(
                condition=~models.Q(authoritative=True, unofficial=True),
                name="an_authoritative_text_is_official",
                violation_error_message="An authoritative text is no unofficial draft.",
            ),
        ),
    ]
