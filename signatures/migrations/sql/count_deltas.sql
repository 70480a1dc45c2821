-- Every change of signatures (action, bulk rule, COPY, raw SQL) writes one delta for each cell whose number changed.
-- A cell is a letter, state, visibility and whether there is a flag. The country is kept only of what is public (P4), so
-- that nobody else can be found by subtraction.
-- The delta also says which event happened, in which hour and language, so that a sign-up does not write a second row.
-- No delta that commits late is lost: the worker folds exactly the rows that it deletes.
CREATE FUNCTION signatures_count_deltas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, number, hour, language, event)
        SELECT letter_id, state, visibility, flags <> '{}',
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END,
            count(*), date_trunc('hour', signed_up_at, 'UTC'), language, 'sign-up'
        FROM after GROUP BY 1, 2, 3, 4, 5, 7, 8;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, number, hour, language, event)
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
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, number, hour, language, event)
        SELECT letter_id, state, visibility, flagged,
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, sum(number),
            CASE WHEN event <> '' THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN event <> '' THEN language ELSE '' END, event
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
                END AS event
            FROM after JOIN before USING (id)
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}', country, -1, '', '' FROM before
        ) changes GROUP BY 1, 2, 3, 4, 5, 7, 8, 9 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_delta_insert AFTER INSERT ON signatures_signature
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION signatures_count_deltas();
CREATE TRIGGER count_delta_update AFTER UPDATE ON signatures_signature
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION signatures_count_deltas();
CREATE TRIGGER count_delta_delete AFTER DELETE ON signatures_signature
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION signatures_count_deltas();

-- All deltas are read together, and after a spike nearly all of the table is empty. By default vacuum skips an index
-- where it finds few dead rows, and then cannot give back the pages that the index still points to.
ALTER TABLE signatures_countdelta SET (vacuum_index_cleanup = on);
