from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0023_code_of_rejections")]

    operations = [
        migrations.AddField(
            "countdelta", "kind", models.CharField(blank=True, db_default="", default="", max_length=12)
        ),
    ]
