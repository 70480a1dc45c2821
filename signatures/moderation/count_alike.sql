-- Counts what waits and came from each of these networks, and what waits with the words of each of these comments. Each
-- number is counted to `most` at most, so that a flood of a million costs no more than one of a few hundred.
SELECT 'network' AS what, chosen.network AS value, alike.number
FROM unnest(%(networks)s::text[]) AS chosen (network)
CROSS JOIN LATERAL (
    SELECT count(*) AS number
    FROM (
        SELECT
        FROM signatures_signature
        WHERE state = 'waiting' AND network <> '' AND network = chosen.network
        LIMIT %(most)s
    ) AS found
) AS alike
UNION ALL
SELECT 'comment', chosen.comment, alike.number
FROM unnest(%(comments)s::text[]) AS chosen (comment)
CROSS JOIN LATERAL (
    SELECT count(*) AS number
    FROM (
        SELECT
        FROM signatures_signature
        WHERE state = 'waiting'
            AND comment <> ''
            AND signatures_comment_key(comment) = signatures_comment_key(chosen.comment)
        LIMIT %(most)s
    ) AS found
) AS alike
