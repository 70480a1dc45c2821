-- Replaces the deltas by one for each cell, and adds their events to the statistics by hour and by country. Deltas that are not public
-- yet, because they count from a minute after the last step, become one for each cell and minute.
-- Returns by how many rows the deltas shrank.
WITH deleted AS (DELETE FROM signatures_countdelta RETURNING *),
folded AS (
    INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, country, kind, number, counts_from)
    SELECT letter_id, state, visibility, flagged, country, kind, sum(number), minute
    FROM (SELECT *, CASE WHEN counts_from > %(step)s THEN counts_from END AS minute FROM deleted WHERE state <> '') waiting
    GROUP BY letter_id, state, visibility, flagged, country, kind, minute HAVING sum(number) <> 0
    RETURNING 1
),
counted AS (
    INSERT INTO signatures_hourlystatistic (hour, letter_id, language, event, number)
    SELECT hour, letter_id, language, event, sum(abs(number)) FROM deleted WHERE event <> '' GROUP BY 1, 2, 3, 4
    ON CONFLICT (hour, letter_id, language, event)
        DO UPDATE SET number = signatures_hourlystatistic.number + EXCLUDED.number
),
counted_by_country AS (
    INSERT INTO signatures_countrystatistic (letter_id, country, event, number)
    SELECT letter_id, event_country, event, sum(abs(number)) FROM deleted WHERE event_country IS NOT NULL GROUP BY 1, 2, 3
    ON CONFLICT (letter_id, country, event)
        DO UPDATE SET number = signatures_countrystatistic.number + EXCLUDED.number
)
SELECT (SELECT count(*) FROM deleted) - (SELECT count(*) FROM folded)
