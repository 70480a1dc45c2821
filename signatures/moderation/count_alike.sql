-- Counts what waits and came from each of these networks, and what waits with the words of each of these comments. Each
-- number is counted to `most` at most, so that a flood of a million costs no more than one of a few hundred.
WITH comments AS MATERIALIZED (  -- the variants of one text are counted once
    SELECT comment, signatures_comment_key(comment) AS key FROM unnest(%(comments)s::text[]) AS comment
)
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
FROM comments AS chosen
JOIN (
    SELECT each.key, found.number
    FROM (SELECT DISTINCT key FROM comments WHERE key IS NOT NULL) AS each
    CROSS JOIN LATERAL (
        SELECT count(*) AS number
        FROM (
            SELECT
            FROM signatures_signature
            WHERE state = 'waiting' AND comment <> '' AND signatures_comment_key(comment) = each.key
            LIMIT %(most)s
        ) AS waiting
    ) AS found
) AS alike USING (key)
