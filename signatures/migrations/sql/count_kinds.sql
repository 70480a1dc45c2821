-- Nobody signs while the function changes: what is counted without a kind is known then. Readers go on.
LOCK TABLE signatures_signature IN SHARE ROW EXCLUSIVE MODE;

-- As `count_confirmed.sql`, but that a cell has a kind, too: organizations are counted apart from people.
CREATE OR REPLACE FUNCTION signatures_count_deltas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, hour, language, event)
        SELECT letter_id, state, visibility, flags <> '{}',
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, kind,
            count(*), date_trunc('hour', CASE WHEN paper THEN signed_up_at ELSE confirmed_at END, 'UTC'), language,
            CASE WHEN paper THEN 'sign-up' ELSE 'confirm' END
        FROM after GROUP BY 1, 2, 3, 4, 5, 6, 8, 9, 10;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, hour, language, event)
        SELECT letter_id, state, visibility, flagged, country, kind, -count(*),
            CASE WHEN erased THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN erased THEN language ELSE '' END,
            CASE WHEN erased THEN 'withdraw' ELSE '' END
        FROM (
            SELECT letter_id, state, visibility, flags <> '{}' AS flagged,
                CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END AS country, kind, language,
                state NOT IN ('unconfirmed', 'withdrawn') AS erased
            FROM before
        ) gone GROUP BY 1, 2, 3, 4, 5, 6, 8, 9, 10;
    ELSE
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, hour, language, event)
        SELECT letter_id, state, visibility, flagged,
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, kind, sum(number),
            CASE WHEN event <> '' THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN event <> '' THEN language ELSE '' END, event
        FROM (
            SELECT after.letter_id, after.state, after.visibility, after.flags <> '{}' AS flagged, after.country,
                after.kind, 1 AS number, after.language, CASE
                    WHEN after.state = before.state THEN ''
                    WHEN after.state = 'withdrawn' THEN 'withdraw'
                    WHEN after.state = 'approved' THEN 'approve'
                    WHEN after.state = 'rejected' THEN 'reject'
                    ELSE ''
                END AS event
            FROM after JOIN before USING (id)
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}', country, kind, -1, '', '' FROM before
        ) changes GROUP BY 1, 2, 3, 4, 5, 6, 8, 9, 10 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;

UPDATE signatures_countdelta SET kind = 'person' WHERE state <> '' AND kind = '';
-- The index of places leads to the organizations, which are few. What is counted apart already stays.
INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, counts_from)
SELECT letter_id, state, visibility, flagged, country, moved.kind, moved.sign * number, NULL
FROM (
    SELECT letter_id, state, visibility, flagged, country, sum(number) AS number FROM (
        SELECT letter_id, signature.state, visibility, flags <> '{}' AS flagged,
            CASE WHEN signature.state = 'approved' AND visibility = 'public' THEN country ELSE '' END AS country,
            1 AS number
        FROM campaign_letter AS letter
        JOIN signatures_signature AS signature ON signature.letter_id = letter.id AND signature.kind = 'organization'
        UNION ALL
        SELECT letter_id, state, visibility, flagged, country, -number FROM signatures_countdelta
        WHERE kind = 'organization'
    ) both_sides GROUP BY 1, 2, 3, 4, 5 HAVING sum(number) <> 0
) AS organizations CROSS JOIN (VALUES ('organization', 1), ('person', -1)) AS moved (kind, sign);
