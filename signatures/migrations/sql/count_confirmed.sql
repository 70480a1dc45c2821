-- As `count_deltas.sql`, but that a signature begins with its confirmation. The statement that stores a submission counts
-- the sign-up: an event without a state.
CREATE OR REPLACE FUNCTION signatures_count_deltas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, number, hour, language, event)
        SELECT letter_id, state, visibility, flags <> '{}',
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END,
            count(*), date_trunc('hour', CASE WHEN paper THEN signed_up_at ELSE confirmed_at END, 'UTC'), language,
            CASE WHEN paper THEN 'sign-up' ELSE 'confirm' END
        FROM after GROUP BY 1, 2, 3, 4, 5, 7, 8, 9;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, number, hour, language, event)
        SELECT letter_id, state, visibility, flagged, country, -count(*),
            CASE WHEN erased THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN erased THEN language ELSE '' END,
            CASE WHEN erased THEN 'withdraw' ELSE '' END
        FROM (
            SELECT letter_id, state, visibility, flags <> '{}' AS flagged,
                CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END AS country, language,
                state NOT IN ('unconfirmed', 'withdrawn') AS erased
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
                    WHEN after.state = 'withdrawn' THEN 'withdraw'
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
