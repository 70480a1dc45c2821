import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("campaign", "0014_notices"),
        ("signatures", "0027_review_queue"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignerRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "letter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="campaign.letter",
                        verbose_name="letter",
                    ),
                ),
                ("signature_id", models.BigIntegerField(verbose_name="signature")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("withdraw", "Withdraw on request"),
                            ("erase", "Erase on request"),
                            ("correct", "Correct a typo"),
                            ("hide", "Hide while it is looked at"),
                            ("show", "Show it again"),
                            ("resend", "Send the link again"),
                            ("evidence", "Confirm on evidence"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("same-address", "an email from the address that signed"),
                            ("other-address", "an email from another address"),
                            ("post", "a letter by post"),
                            ("telephone", "a telephone call"),
                            ("in-person", "in person"),
                            ("somebody-else", "through somebody else"),
                        ],
                        max_length=20,
                        verbose_name="how it came",
                    ),
                ),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                ("asked_at", models.DateTimeField(auto_now_add=True, verbose_name="when")),
                ("staff_id", models.BigIntegerField(verbose_name="recorded by")),
                ("needs_second", models.BooleanField(verbose_name="needs a second person")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("done", "done"), ("declined", "declined")],
                        default="open",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("decided_by", models.BigIntegerField(null=True, verbose_name="decided by")),
                ("words", models.JSONField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "request of a signer",
                "verbose_name_plural": "requests of signers",
                "ordering": ["-pk"],
                "permissions": [("answer_requests", "Can act on requests of signers")],
                "abstract": False,
                "default_permissions": ["view"],
            },
        ),
        migrations.AddField(
            model_name="signature",
            name="hidden_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="hidden since"),
        ),
        migrations.AddField(
            model_name="signature",
            name="on_evidence",
            field=models.BooleanField(editable=False, null=True),
        ),
        AddConstraintNotValid(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(("hidden_at", None), ("visibility", "delivery"), _connector="OR"),
                name="a_hidden_name_is_not_public",
            ),
        ),
        AddConstraintNotValid(
            model_name="signature",
            constraint=models.CheckConstraint(
                condition=models.Q(("paper", False), ("on_evidence", None), _connector="OR"),
                name="evidence_is_not_on_paper",
            ),
        ),
        migrations.AddIndex(
            model_name="signerrequest",
            index=models.Index(models.F("signature_id"), name="requests_of_signature"),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["withdraw", "erase", "correct", "hide", "show", "resend", "evidence"])
                ),
                name="request_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "channel__in",
                        ["same-address", "other-address", "post", "telephone", "in-person", "somebody-else"],
                    )
                ),
                name="request_channel_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="a_request_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("needs_second", True), ("state", "done"), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False), models.Q(("decided_by", models.F("staff_id")), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="two_people_change_what_was_delivered",
            ),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("state", "open")),
                    models.Q(("state__in", ["done", "declined"]), ("decided_at__isnull", False)),
                    _connector="OR",
                ),
                name="request_state_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("words__isnull", True),
                    models.Q(("kind", "correct"), models.Q(("state", "declined"), _negated=True)),
                    _connector="OR",
                ),
                name="words_of_corrections_alone",
            ),
        ),
        migrations.AddConstraint(
            model_name="signerrequest",
            constraint=models.UniqueConstraint(
                models.F("signature_id"),
                models.F("kind"),
                condition=models.Q(("state", "open")),
                name="one_open_request",
            ),
        ),
        run_sql_file(__file__, "former_words.sql", undo="DROP FUNCTION signatures_drop_former_words() CASCADE"),
    ]
