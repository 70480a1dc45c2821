from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models.functions import Now

REASONS = [
    ("not-me", "“this was not me”"),
    ("bounce", "no such mailbox, or it is full"),
    ("complaint", "reported as spam"),
]


class Migration(migrations.Migration):
    dependencies = [("signatures", "0030_tombstones_of_paper")]

    operations = [
        migrations.AlterModelOptions(
            "suppression",
            {
                "default_permissions": ["view"],
                "ordering": ["-since"],
                "permissions": [("release_suppression", "Can let an address get emails again")],
                "verbose_name": "address without emails",
                "verbose_name_plural": "addresses without emails",
            },
        ),
        migrations.AlterField("suppression", "until", models.DateTimeField(verbose_name="until")),
        migrations.AddField(
            "suppression",
            "reasons",
            ArrayField(models.CharField(choices=REASONS, max_length=10), db_default=["not-me"]),
        ),
        migrations.AddField("suppression", "since", models.DateTimeField(db_default=Now(), verbose_name="since")),
        migrations.AddField("suppression", "released_at", models.DateTimeField(null=True)),
    ]
