from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0019_page_language")]

    operations = [
        migrations.AddField("submission", "question_address", models.BinaryField(editable=False, null=True)),
    ]
