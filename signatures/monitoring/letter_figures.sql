-- The figures of each letter for the start page of staff: letters that take signatures first, then those with the most
-- work. Every value is read from an index, or from a table of a few rows.
SELECT l.id, l.slug, l.state,
    coalesce(c.approved + c.unflagged, 0) AS signed, coalesce(c.flagged, 0) AS flagged,
    coalesce(c.unflagged, 0) AS unflagged, coalesce(w.confirmed, 0) AS confirmed,
    d.id AS delivery_id, d.number AS delivery, d.state AS delivery_state
FROM campaign_letter l
LEFT JOIN (
    SELECT letter_id,
        coalesce(sum(number) FILTER (WHERE state = 'approved'), 0) AS approved,
        coalesce(sum(number) FILTER (WHERE state = 'waiting' AND flagged), 0) AS flagged,
        coalesce(sum(number) FILTER (WHERE state = 'waiting' AND NOT flagged), 0) AS unflagged
    FROM signatures_countdelta GROUP BY letter_id
) c ON c.letter_id = l.id
LEFT JOIN (
    SELECT letter_id, sum(number) AS confirmed FROM (
        SELECT letter_id, number FROM signatures_hourlystatistic WHERE event = 'confirm' AND hour >= %(since)s
        UNION ALL
        SELECT letter_id, abs(number) FROM signatures_countdelta WHERE event = 'confirm' AND hour >= %(since)s
    ) events GROUP BY letter_id
) w ON w.letter_id = l.id
LEFT JOIN LATERAL (
    SELECT id, number, state FROM signatures_delivery
    WHERE letter_id = l.id AND state <> 'void' ORDER BY number DESC LIMIT 1
) d ON true
ORDER BY l.state NOT IN ('open', 'paused'), l.state = 'archived', coalesce(c.flagged + c.unflagged, 0) DESC, l.slug
LIMIT %(most)s
