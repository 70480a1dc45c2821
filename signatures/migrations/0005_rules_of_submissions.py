from django.db import migrations, models


class Migration(migrations.Migration):
    """What holds of signatures, now that none is unconfirmed."""

    dependencies = [("signatures", "0004_unconfirmed_become_submissions")]

    operations = [
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(("visibility__in", ["public", "delivery", "counted"])),
                name="signature_visibility_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["person", "organization"])), name="signature_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.UniqueConstraint(
                models.F("letter"),
                models.F("kind"),
                models.F("address_hash"),
                models.F("place"),
                name="one_signature_per_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("place__isnull", True), ("state", "withdrawn")),
                    models.Q(
                        models.Q(("state", "withdrawn"), _negated=True),
                        ("place__gte", 1),
                        ("place__isnull", False),
                        ("place__lte", 2),
                    ),
                    _connector="OR",
                ),
                name="two_places_per_mailbox",
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(("confirmed_at__isnull", False), ("paper", True), _connector="OR"),
                name="a_signature_is_confirmed",
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("comment", ""),
                        ("name", ""),
                        ("name_key", ""),
                        ("organization", ""),
                        ("role", ""),
                        ("search_text", ""),
                        ("sort_key", ""),
                        ("spokesperson", ""),
                    ),
                    models.Q(("state", "withdrawn"), ("visibility", "counted"), _connector="OR", _negated=True),
                    _connector="OR",
                ),
                name="counted_and_withdrawn_have_no_words",
            ),
        ),
        migrations.AddConstraint(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "approved", "rejected", "withdrawn"])),
                name="signature_state_is_known",
            ),
        ),
    ]
