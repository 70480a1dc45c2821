import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

import signatures.models.submission


class Migration(migrations.Migration):
    """Submissions get a table of their own: the columns and tables. The next migration moves the rows."""

    dependencies = [
        ("campaign", "0003_signers_per_mailbox"),
        ("signatures", "0002_functions_and_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="LinkAlias",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(unique=True)),
            ],
            options={
                "abstract": False,
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="Submission",
            fields=[
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("person", "a person"), ("organization", "an organization")],
                        default="person",
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=200, verbose_name="name")),
                ("role", models.CharField(blank=True, max_length=200, verbose_name="role")),
                ("organization", models.CharField(blank=True, max_length=200, verbose_name="organization")),
                (
                    "spokesperson",
                    models.CharField(
                        blank=True, db_default="", default="", max_length=200, verbose_name="who speaks for it"
                    ),
                ),
                ("country", models.CharField(blank=True, max_length=2, verbose_name="country")),
                ("comment", models.TextField(blank=True, max_length=1000, verbose_name="comment")),
                (
                    "visibility",
                    models.CharField(
                        choices=[
                            ("public", "on this website and in the delivered letter"),
                            ("delivery", "in the delivered letter only"),
                            ("counted", "nowhere: count me without my name"),
                        ],
                        max_length=10,
                        verbose_name="visibility",
                    ),
                ),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                ("sealed_address", models.BinaryField(null=True)),
                ("address_hash", models.BinaryField(max_length=32, null=True)),
                ("mailbox", models.CharField(blank=True, db_default="", default="", editable=False, max_length=16)),
                (
                    "domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), db_default=[], default=list, editable=False
                    ),
                ),
                ("network", models.CharField(blank=True, db_default="", default="", editable=False, max_length=16)),
                (
                    "marks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), db_default=[], default=list, editable=False
                    ),
                ),
                (
                    "flags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), blank=True, default=list, verbose_name="flags"
                    ),
                ),
                ("signed_up_at", models.DateTimeField(verbose_name="signed up")),
                (
                    "id",
                    models.BigIntegerField(
                        db_default=signatures.models.submission.NextSignatureNumber(), primary_key=True, serialize=False
                    ),
                ),
                ("place", models.PositiveSmallIntegerField(default=1)),
            ],
            options={
                "abstract": False,
                "default_permissions": [],
            },
        ),
        migrations.CreateModel(
            name="Switch",
            fields=[
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("pause-flagged-mail", "pause emails to flagged sign-ups"),
                            ("proof-of-work", "ask every browser for some seconds of work"),
                        ],
                        max_length=20,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("is_on", models.BooleanField(default=False)),
            ],
            options={
                "default_permissions": [],
            },
        ),
        migrations.RemoveConstraint(
            model_name="outboxmail",
            name="mail_goes_to_a_signer_or_to_staff",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="one_signature_per_address",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="nothing_moves_before_confirmation",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="counted_and_withdrawn_have_no_words",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="signature_state_is_known",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="visibility_is_known",
        ),
        migrations.RemoveConstraint(
            model_name="signature",
            name="kind_is_known",
        ),
        migrations.RemoveIndex(
            model_name="outboxmail",
            name="outbox_due",
        ),
        migrations.AddField(
            model_name="outboxmail",
            name="mailbox",
            field=models.CharField(blank=True, db_default="", default="", max_length=16),
        ),
        migrations.AddField(
            model_name="outboxmail",
            name="priority",
            field=models.PositiveSmallIntegerField(
                choices=[
                    (0, "to staff"),
                    (1, "asked for by a signer, or by staff"),
                    (2, "sign-ups without a flag"),
                    (3, "flagged sign-ups"),
                    (4, "reminders"),
                    (5, "updates"),
                ],
                db_default=2,
            ),
        ),
        migrations.AddField(
            model_name="signature",
            name="mailbox",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=16),
        ),
        migrations.AddField(
            model_name="signature",
            name="place",
            field=models.PositiveSmallIntegerField(default=1, editable=False, null=True),
        ),
        migrations.RemoveConstraint(model_name="tombstone", name="one_tombstone"),
        migrations.AddField(model_name="tombstone", name="public_id", field=models.UUIDField(null=True, unique=True)),
        migrations.AddIndex(
            model_name="tombstone",
            index=models.Index(
                models.F("letter_id"), models.F("kind"), models.F("address_hash"), name="tombstones_of_address"
            ),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="flags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20), db_default=[], default=list
            ),
        ),
        migrations.AlterField(
            model_name="bulkrule",
            name="states",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[("unconfirmed", "unconfirmed"), ("waiting", "waiting"), ("approved", "approved")],
                    max_length=12,
                ),
                blank=True,
                default=list,
            ),
        ),
        migrations.AlterField(
            model_name="bulkrulechange",
            name="signature",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="signatures.signature",
            ),
        ),
        migrations.AlterField(
            model_name="bulkrulechange",
            name="state",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AlterField(
            model_name="countdelta",
            name="state",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AlterField(
            model_name="emailsubject",
            name="mail",
            field=models.CharField(
                choices=[
                    ("link", "the link to confirm"),
                    ("links", "the links that a signer asked for"),
                    ("reminder", "the reminder to confirm"),
                    ("question", "that staff have a question"),
                    ("update", "what became of the letter"),
                ],
                max_length=20,
                verbose_name="email",
            ),
        ),
        migrations.AlterField(
            model_name="outboxmail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("link", "link to confirm"),
                    ("links", "personal links asked for"),
                    ("reminder", "reminder to confirm"),
                    ("question", "question of staff"),
                    ("update", "what became of the letter"),
                    ("invite", "invitation of a member of staff"),
                    ("reset", "password reset of a member of staff"),
                    ("alarm", "alarm to a member of staff"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="outboxmail",
            name="signature",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="mails",
                to="signatures.signature",
            ),
        ),
        migrations.AlterField(
            model_name="signature",
            name="letter",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="campaign.letter",
                verbose_name="letter",
            ),
        ),
        migrations.AlterField(
            model_name="signature",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting"),
                    ("approved", "approved"),
                    ("rejected", "rejected"),
                    ("withdrawn", "withdrawn"),
                ],
                default="waiting",
                max_length=12,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="signature",
            name="translation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="campaign.translation",
                verbose_name="text",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmail",
            index=models.Index(
                models.F("priority"),
                models.F("due_at"),
                condition=models.Q(("recipient__isnull", False)),
                name="outbox_due",
            ),
        ),
        migrations.AddIndex(
            model_name="outboxmail",
            index=models.Index(
                models.F("mailbox"),
                models.F("sent_at"),
                condition=models.Q(("sent_at__isnull", False), models.Q(("mailbox", ""), _negated=True)),
                name="outbox_sent_to",
            ),
        ),
        migrations.AddConstraint(
            model_name="outboxmail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind__in", ["link", "links", "reminder", "question", "update"]),
                        ("signature__isnull", False),
                        ("staff_id__isnull", True),
                    ),
                    models.Q(
                        ("kind__in", ["invite", "reset", "alarm"]),
                        ("signature__isnull", True),
                        ("staff_id__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="mail_goes_to_a_signer_or_to_staff",
            ),
        ),
        migrations.AddField(
            model_name="linkalias",
            name="signature",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="aliases", to="signatures.signature"
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="letter",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="campaign.letter",
                verbose_name="letter",
            ),
        ),
        migrations.AddField(
            model_name="submission",
            name="translation",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="campaign.translation",
                verbose_name="text",
            ),
        ),
        migrations.AddIndex(
            model_name="submission",
            index=django.contrib.postgres.indexes.BrinIndex(
                models.F("signed_up_at"), name="submission_by_day", pages_per_range=16
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("visibility__in", ["public", "delivery", "counted"])),
                name="submission_visibility_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["person", "organization"])), name="submission_kind_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.UniqueConstraint(
                models.F("letter"), models.F("address_hash"), models.F("place"), name="one_submission_per_place"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("place__gte", 1), ("place__lte", 5)), name="five_submissions_per_address"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(("address_hash__isnull", False)), name="a_submission_has_an_address"
            ),
        ),
        migrations.AddConstraint(
            model_name="submission",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("comment", ""), ("name", ""), ("organization", ""), ("role", ""), ("spokesperson", "")),
                    models.Q(("visibility", "counted"), _negated=True),
                    _connector="OR",
                ),
                name="counted_submissions_have_no_words",
            ),
        ),
    ]
