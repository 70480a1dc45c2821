from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0020_search_keys")]

    operations = [
        migrations.AddField("submission", "question_address", models.BinaryField(editable=False, null=True)),
    ]
