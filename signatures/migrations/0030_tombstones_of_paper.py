from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signatures", "0029_validate_hidden")]

    operations = [
        migrations.AlterField(
            model_name="tombstone",
            name="address_hash",
            field=models.BinaryField(max_length=32, null=True),
        ),
        # On the way back: the code before it keeps no tombstone without an address.
        migrations.RunSQL(migrations.RunSQL.noop, "DELETE FROM signatures_tombstone WHERE address_hash IS NULL"),
    ]
