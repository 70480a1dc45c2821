from django.db import migrations

# The tally follows every change, whoever makes it (verb, bulk rule, COPY, raw SQL): one row for each cell that changed.
TALLY = """
CREATE FUNCTION signatures_tally_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, number)
        SELECT letter_id, state, visibility, flags <> '{}', count(*) FROM after GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, number)
        SELECT letter_id, state, visibility, flags <> '{}', -count(*) FROM before GROUP BY 1, 2, 3, 4;
    ELSE
        INSERT INTO signatures_tally (letter_id, state, visibility, flagged, number)
        SELECT letter_id, state, visibility, flagged, sum(number) FROM (
            SELECT letter_id, state, visibility, flags <> '{}' AS flagged, 1 AS number FROM after
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}', -1 FROM before
        ) changes GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_insert AFTER INSERT ON signatures_signature
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION signatures_tally_changes();
CREATE TRIGGER tally_update AFTER UPDATE ON signatures_signature
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION signatures_tally_changes();
CREATE TRIGGER tally_delete AFTER DELETE ON signatures_signature
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION signatures_tally_changes();
"""
NO_TALLY = """
DROP TRIGGER tally_insert ON signatures_signature;
DROP TRIGGER tally_update ON signatures_signature;
DROP TRIGGER tally_delete ON signatures_signature;
DROP FUNCTION signatures_tally_changes();
"""

APPEND_ONLY = """
CREATE FUNCTION signatures_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the trail is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER trail_is_append_only BEFORE UPDATE OR DELETE ON signatures_trailentry
    FOR EACH ROW EXECUTE FUNCTION signatures_trail_is_append_only();
CREATE TRIGGER trail_is_never_truncated BEFORE TRUNCATE ON signatures_trailentry
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_trail_is_append_only();
"""
NO_TRAIL_RULE = """
DROP TRIGGER trail_is_never_truncated ON signatures_trailentry;
DROP TRIGGER trail_is_append_only ON signatures_trailentry;
DROP FUNCTION signatures_trail_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("signatures", "0001_rows")]
    operations = [migrations.RunSQL(TALLY, NO_TALLY), migrations.RunSQL(APPEND_ONLY, NO_TRAIL_RULE)]
