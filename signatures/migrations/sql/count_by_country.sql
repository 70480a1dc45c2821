-- As `count_kinds.sql` with `count_paper_apart.sql`, but that confirmations and withdrawals are counted by country, too.
-- '-': not for the public list, so without its country (threat model P4). Who withdraws has no country afterwards.
CREATE OR REPLACE FUNCTION signatures_count_deltas() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, hour, language,
            event, event_country)
        SELECT letter_id, state, visibility, flags <> '{}',
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, kind,
            count(*), date_trunc('hour', CASE WHEN paper THEN signed_up_at ELSE confirmed_at END, 'UTC'), language,
            CASE WHEN paper THEN 'paper' ELSE 'confirm' END,
            CASE WHEN paper THEN NULL WHEN visibility = 'public' THEN country ELSE '-' END
        FROM after GROUP BY 1, 2, 3, 4, 5, 6, 8, 9, 10, 11;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, hour, language,
            event, event_country)
        SELECT letter_id, state, visibility, flagged, country, kind, -count(*),
            CASE WHEN erased THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN erased THEN language ELSE '' END,
            CASE WHEN erased THEN 'withdraw' ELSE '' END,
            CASE WHEN erased THEN event_country END
        FROM (
            SELECT letter_id, state, visibility, flags <> '{}' AS flagged,
                CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END AS country, kind, language,
                state NOT IN ('unconfirmed', 'withdrawn') AS erased,
                CASE WHEN visibility = 'public' THEN country ELSE '-' END AS event_country
            FROM before
        ) gone GROUP BY 1, 2, 3, 4, 5, 6, 8, 9, 10, 11;
    ELSE
        INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, hour, language,
            event, event_country)
        SELECT letter_id, state, visibility, flagged,
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, kind, sum(number),
            CASE WHEN event <> '' THEN date_trunc('hour', now(), 'UTC') END,
            CASE WHEN event <> '' THEN language ELSE '' END, event,
            CASE WHEN event = 'withdraw' THEN event_country END
        FROM (
            SELECT after.letter_id, after.state, after.visibility, after.flags <> '{}' AS flagged, after.country,
                after.kind, 1 AS number, after.language, CASE
                    WHEN after.state = before.state THEN ''
                    WHEN after.state = 'withdrawn' THEN 'withdraw'
                    WHEN after.state = 'approved' THEN 'approve'
                    WHEN after.state = 'rejected' THEN 'reject'
                    ELSE ''
                END AS event,
                CASE WHEN before.visibility = 'public' THEN before.country ELSE '-' END AS event_country
            FROM after JOIN before USING (id)
            UNION ALL
            SELECT letter_id, state, visibility, flags <> '{}', country, kind, -1, '', '', NULL FROM before
        ) changes GROUP BY 1, 2, 3, 4, 5, 6, 8, 9, 10, 11 HAVING sum(number) <> 0;
    END IF;
    RETURN NULL;
END $$;
