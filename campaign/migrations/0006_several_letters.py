import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from campaign.runtime.sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("campaign", "0005_texts_by_language"),
    ]

    operations = [
        migrations.CreateModel(
            name="LetterSlug",
            fields=[
                ("slug", models.SlugField(primary_key=True, serialize=False, verbose_name="slug")),
            ],
        ),
        migrations.CreateModel(
            name="Logo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("png", models.BinaryField(verbose_name="image")),
                ("width", models.PositiveIntegerField(verbose_name="width in pixels")),
                ("height", models.PositiveIntegerField(verbose_name="height in pixels")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
            ],
        ),
        migrations.CreateModel(
            name="PrivacyText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                (
                    "purpose",
                    models.TextField(blank=True, db_default="", default="", max_length=2000, verbose_name="purpose"),
                ),
                (
                    "legal_basis",
                    models.TextField(
                        blank=True, db_default="", default="", max_length=2000, verbose_name="legal basis"
                    ),
                ),
                (
                    "retention",
                    models.TextField(blank=True, db_default="", default="", max_length=2000, verbose_name="retention"),
                ),
                (
                    "transfer",
                    models.TextField(
                        blank=True, db_default="", default="", max_length=2000, verbose_name="transfer abroad"
                    ),
                ),
            ],
            options={
                "verbose_name": "privacy text",
                "ordering": ["pk"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="letter",
            name="letter_state_is_known",
        ),
        migrations.AddField(
            model_name="letter",
            name="accent_color",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Of buttons, links and the letterhead, on the letter's pages and in its emails.",
                max_length=7,
                verbose_name="color",
            ),
        ),
        migrations.AddField(
            model_name="letter",
            name="contact_email",
            field=models.EmailField(
                blank=True,
                db_default="",
                default="",
                help_text="The email address for questions: at the foot of its pages, in its emails and in its privacy notice.",
                max_length=254,
                verbose_name="contact",
            ),
        ),
        migrations.AddField(
            model_name="letter",
            name="organization_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who answers for this letter: at the foot of its pages, in its emails and in its privacy notice.",
                max_length=200,
                verbose_name="organization",
            ),
        ),
        migrations.AddField(
            model_name="letter",
            name="put_first_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="put on the front page at"),
        ),
        migrations.AddField(
            model_name="letter",
            name="recipient_kind",
            field=models.CharField(
                choices=[
                    ("government", "a government or an authority"),
                    ("company", "a company"),
                    ("institution", "an institution, such as a university or a church"),
                    ("person", "a person"),
                ],
                db_default="government",
                default="government",
                help_text="The warning above the form and the privacy notice speak of it.",
                max_length=12,
                verbose_name="kind of recipient",
            ),
        ),
        migrations.AddField(
            model_name="letter",
            name="sender_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The name that people see in their mailbox. The address is the site's.",
                max_length=100,
                verbose_name="sender of the emails",
            ),
        ),
        migrations.AddField(
            model_name="letter",
            name="time_zone",
            field=models.CharField(
                db_default="UTC",
                default="UTC",
                help_text="Of the opening and the closing time, here and on the letter's page.",
                max_length=40,
                verbose_name="time zone",
            ),
        ),
        migrations.AlterField(
            model_name="letter",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("open", "open"),
                    ("paused", "paused"),
                    ("closed", "closed"),
                    ("archived", "archived"),
                ],
                default="draft",
                max_length=10,
                verbose_name="state",
            ),
        ),
        AddConstraintNotValid(
            model_name="letter",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["draft", "open", "paused", "closed", "archived"])),
                name="letter_state_is_registered",
            ),
        ),
        migrations.AddField(
            model_name="letterslug",
            name="letter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="slugs",
                to="campaign.letter",
                verbose_name="letter",
            ),
        ),
        migrations.AddField(
            model_name="logo",
            name="letter",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="logo",
                to="campaign.letter",
                verbose_name="letter",
            ),
        ),
        migrations.AddField(
            model_name="privacytext",
            name="letter",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="privacy_texts",
                to="campaign.letter",
                verbose_name="letter",
            ),
        ),
        migrations.AddConstraint(
            model_name="privacytext",
            constraint=models.UniqueConstraint(fields=("letter", "language"), name="one_privacy_text_per_language"),
        ),
        run_sql_file(
            __file__,
            "slugs_of_letters.sql",
            undo="DROP TRIGGER letter_takes_its_slug ON campaign_letter; DROP FUNCTION campaign_letter_takes_its_slug();",
        ),
    ]
