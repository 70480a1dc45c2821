import django.db.models.deletion
from django.db import migrations, models

from campaign.runtime.sql_files import load_sql, run_sql_file

# The function of `count_kinds.sql`, as migration 0038 changed it.
_FORMER = load_sql(__file__, "sql/count_kinds.sql").partition("CREATE OR REPLACE FUNCTION")
FORMER = f"{_FORMER[1]}{_FORMER[2].partition('END $$;')[0]}END $$;".replace("THEN 'sign-up'", "THEN 'paper'")
SIGN_UPS = load_sql(__file__, "sql/count_sign_ups_by_country.sql")
FORMER_COLUMNS, COLUMNS = "language, event)", "language, event, event_country)"
FORMER_VALUES = "''sign-up'')"
VALUES = "''sign-up'', CASE WHEN typed.visibility = ''public'' THEN typed.country ELSE ''-'' END)"


class Migration(migrations.Migration):
    dependencies = [
        ("campaign", "0016_hand_signatures"),
        ("signatures", "0054_country_of_events"),
    ]

    operations = [
        migrations.CreateModel(
            name="CountryStatistic",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", models.CharField(blank=True, max_length=2)),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("sign-up", "sign-ups"),
                            ("confirm", "confirmations"),
                            ("approve", "approvals"),
                            ("reject", "rejections"),
                            ("withdraw", "withdrawals"),
                            ("paper", "from paper"),
                        ],
                        max_length=10,
                    ),
                ),
                ("number", models.BigIntegerField()),
                (
                    "letter",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="campaign.letter",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "default_permissions": [],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("letter"), models.F("country"), models.F("event"), name="one_sum_a_country"
                    )
                ],
            },
        ),
        run_sql_file(__file__, "count_by_country.sql", undo=FORMER),
        migrations.RunSQL(
            SIGN_UPS.format(
                columns_before=FORMER_COLUMNS,
                columns_after=COLUMNS,
                values_before=FORMER_VALUES,
                values_after=VALUES,
            ),
            SIGN_UPS.format(
                columns_before=COLUMNS,
                columns_after=FORMER_COLUMNS,
                values_before=VALUES,
                values_after=FORMER_VALUES,
            ),
        ),
    ]
