import django.db.models.deletion
from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file

REASONS = [
    ("made", "made for the first time"),
    ("erased", "made anew, because somebody had their data erased"),
    ("fonts", "made anew with other fonts"),
    ("address", "made anew, because the address of the site changed"),
    ("remade", "made anew"),
]


class Migration(migrations.Migration):
    dependencies = [("signatures", "0040_sources_of_entries")]

    operations = [
        migrations.CreateModel(
            name="DeliveryEdition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("reason", models.CharField(choices=REASONS, max_length=10, verbose_name="reason")),
                ("erased", models.PositiveIntegerField(verbose_name="entries without words")),
                ("site", models.CharField(max_length=300, verbose_name="address of the site")),
                ("software", models.CharField(max_length=100, verbose_name="software")),
                ("files", models.JSONField(verbose_name="SHA-256 of the files")),
                ("digest", models.CharField(max_length=64, verbose_name="SHA-256 of files.json")),
                ("signature", models.TextField(blank=True, verbose_name="signature on files.json")),
                ("package", models.CharField(max_length=64, verbose_name="SHA-256 of the package")),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="editions", to="signatures.delivery"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "abstract": False,
                "default_permissions": [],
                "constraints": [
                    models.UniqueConstraint(models.F("delivery"), models.F("number"), name="one_edition_per_number"),
                    models.CheckConstraint(
                        condition=models.Q(("reason__in", ["made", "erased", "fonts", "address", "remade"])),
                        name="edition_reason_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeliveryErasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.PositiveIntegerField()),
                ("number", models.PositiveIntegerField(null=True)),
                ("at", models.DateTimeField()),
                ("erratum", models.PositiveIntegerField(null=True)),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="erasures", to="signatures.delivery"
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": [],
                "constraints": [
                    models.UniqueConstraint(models.F("delivery"), models.F("place"), name="one_erasure_per_place")
                ],
            },
        ),
        run_sql_file(
            __file__,
            "editions_are_append_only.sql",
            undo="DROP FUNCTION signatures_edition_is_append_only() CASCADE",
        ),
    ]
