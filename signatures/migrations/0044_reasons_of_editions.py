from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

REASONS = [
    ("made", "made for the first time"),
    ("erased", "made anew, because somebody had their data erased"),
    ("fonts", "made anew with other fonts"),
    ("address", "made anew, because the address of the site changed"),
    ("time-stamp", "made anew with a time stamp that was taken in"),
    ("auditor", "made anew with the signature of an auditor"),
    ("letterhead", "made anew, because an image of the letter was replaced"),
    ("remade", "made anew"),
]


class Migration(migrations.Migration):
    dependencies = [("signatures", "0043_visibility_of_entries")]

    operations = [
        migrations.AddField(
            "deliveryedition", "images", models.JSONField(null=True, verbose_name="images in the letter")
        ),
        migrations.AlterField(
            "deliveryedition", "reason", models.CharField(choices=REASONS, max_length=10, verbose_name="reason")
        ),
        migrations.RemoveConstraint("deliveryedition", "edition_reason_is_known"),
        AddConstraintNotValid(
            "deliveryedition",
            models.CheckConstraint(
                condition=models.Q(("reason__in", [code for code, _label in REASONS])), name="edition_reason_is_known"
            ),
        ),
    ]
