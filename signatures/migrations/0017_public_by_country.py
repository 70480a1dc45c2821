from django.db import migrations, models

# As before, and beside it the country, of what is public alone (P4): whoever reads the tally can subtract nobody.
BY_COUNTRY = """
CREATE OR REPLACE FUNCTION signatures_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, country, number, hour, language, what)
        SELECT letter_id, state, visibility, flags <> '{}',
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END,
            count(*), date_trunc('hour', signed_up_at, 'UTC'), language, 'sign-up'
        FROM after GROUP BY 1, 2, 3, 4, 5, 7, 8;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, country, number, hour, language, what)
        SELECT letter_id, state, visibility, flagged, country, -count(*),
            CASE WHEN erased THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN erased THEN language ELSE '' END,
            CASE WHEN erased THEN 'withdraw' ELSE '' END
        FROM (
            SELECT letter_id, state, visibility, flags <> '{}' AS flagged,
                CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END AS country, language,
                confirmed_at IS NOT NULL AND state <> 'withdrawn' AS erased
            FROM before
        ) gone GROUP BY 1, 2, 3, 4, 5, 7, 8, 9;
    ELSE
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, country, number, hour, language, what)
        SELECT letter_id, state, visibility, flagged,
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, sum(number),
            CASE WHEN what <> '' THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN what <> '' THEN language ELSE '' END, what
        FROM (
            SELECT after.letter_id, after.state, after.visibility, after.flags <> '{}' AS flagged, after.country,
                1 AS number, after.language, CASE
                    WHEN after.state = before.state THEN ''
                    WHEN after.state = 'unconfirmed' THEN 'sign-up'
                    WHEN after.state = 'withdrawn' THEN 'withdraw'
                    WHEN before.state = 'unconfirmed' THEN 'confirm'
                    WHEN after.state = 'approved' THEN 'approve'
                    WHEN after.state = 'rejected' THEN 'reject'
                    ELSE ''
                END AS what
            FROM after JOIN before USING (id)
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}', country, -1, '', '' FROM before
        ) changes GROUP BY 1, 2, 3, 4, 5, 7, 8, 9 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION signatures_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, number, hour, language, what)
        SELECT letter_id, state, visibility, flags <> '{}', count(*),
            date_trunc('hour', signed_up_at, 'UTC'), language, 'sign-up'
        FROM after GROUP BY 1, 2, 3, 4, 6, 7;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, number, hour, language, what)
        SELECT letter_id, state, visibility, flagged, -count(*),
            CASE WHEN erased THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN erased THEN language ELSE '' END,
            CASE WHEN erased THEN 'withdraw' ELSE '' END
        FROM (
            SELECT letter_id, state, visibility, flags <> '{}' AS flagged, language,
                confirmed_at IS NOT NULL AND state <> 'withdrawn' AS erased
            FROM before
        ) gone GROUP BY 1, 2, 3, 4, 6, 7, 8;
    ELSE
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, number, hour, language, what)
        SELECT letter_id, state, visibility, flagged, sum(number),
            CASE WHEN what <> '' THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN what <> '' THEN language ELSE '' END, what
        FROM (
            SELECT after.letter_id, after.state, after.visibility, after.flags <> '{}' AS flagged, 1 AS number,
                after.language, CASE
                    WHEN after.state = before.state THEN ''
                    WHEN after.state = 'unconfirmed' THEN 'sign-up'
                    WHEN after.state = 'withdrawn' THEN 'withdraw'
                    WHEN before.state = 'unconfirmed' THEN 'confirm'
                    WHEN after.state = 'approved' THEN 'approve'
                    WHEN after.state = 'rejected' THEN 'reject'
                    ELSE ''
                END AS what
            FROM after JOIN before USING (id)
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}', -1, '', '' FROM before
        ) changes GROUP BY 1, 2, 3, 4, 6, 7, 8 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
"""
# Nobody signs meanwhile. The first lock of all: whoever signs has this table's and then wants the tally's.
ALONE = "LOCK TABLE signatures_signature IN SHARE ROW EXCLUSIVE MODE;"
# What stands in the tally already goes to its countries.
SO_FAR = """
INSERT INTO signatures_tally (letter_id, state, visibility, flagged, country, number)
SELECT letter_id, state, visibility, flags <> '{}', country, count(*) FROM signatures_signature
WHERE state = 'approved' AND visibility = 'public' AND country <> '' GROUP BY 1, 2, 3, 4, 5
UNION ALL
SELECT letter_id, state, visibility, flags <> '{}', '', -count(*) FROM signatures_signature
WHERE state = 'approved' AND visibility = 'public' AND country <> '' GROUP BY 1, 2, 3, 4;
"""


class Migration(migrations.Migration):
    dependencies = [("signatures", "0016_found_by_pieces")]

    operations = [
        migrations.RunSQL(ALONE, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="tally",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
        migrations.RunSQL(BY_COUNTRY, BEFORE),
        migrations.RunSQL(SO_FAR, ALONE),  # backwards it comes first
    ]
