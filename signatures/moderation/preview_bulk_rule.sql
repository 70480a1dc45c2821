-- Count the signatures that a bulk rule matches, and pick examples at even distances, in one pass over the rows.
--
-- Returns one row for each state and visibility (the count, and how many of them a person approved), and a row without
-- a state for the examples. The part in braces is a subquery with the conditions of the rule.
WITH matched AS MATERIALIZED ({matching})
SELECT
    state,
    visibility,
    count(*),
    count(*) FILTER (WHERE state = 'approved' AND EXISTS (
        SELECT FROM signatures_auditentry AS entry
        WHERE entry.signature_id = matched.id AND entry.action = 'approve' AND entry.staff_id IS NOT NULL
    )),
    NULL::bigint[]
FROM matched
GROUP BY state, visibility
UNION ALL
SELECT '', '', 0, 0, percentile_disc(%(fractions)s::float[]) WITHIN GROUP (ORDER BY id) FROM matched
