-- Letters whose count deltas differ from their signatures, and by how many. One statement, so one snapshot: what is
-- signed meanwhile is in both or in neither.
SELECT letter_id, sum(abs(number)) FROM (
    SELECT letter_id, sum(number) AS number FROM (
        SELECT letter_id, state, visibility, flagged, country, kind, number FROM signatures_countdelta WHERE state <> ''
        UNION ALL
        SELECT letter_id, state, visibility, flags <> '{}',
            CASE WHEN state = 'approved' AND visibility = 'public' THEN country ELSE '' END, kind, -count(*)
        FROM signatures_signature GROUP BY 1, 2, 3, 4, 5, 6
    ) both_sides GROUP BY letter_id, state, visibility, flagged, country, kind HAVING sum(number) <> 0
) cells GROUP BY letter_id ORDER BY letter_id
