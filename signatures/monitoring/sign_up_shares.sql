-- Values of a column that many recent sign-ups share, with the share that each had before.
-- {column}: the column; {each}: how to get single values from it; {empty}: its empty value.
WITH recent AS MATERIALIZED (
    (SELECT {column} AS value FROM signatures_signature
    WHERE NOT paper AND signed_up_at > %(since)s ORDER BY signed_up_at DESC LIMIT %(sample)s)
    UNION ALL
    (SELECT {column} AS value FROM signatures_submission
    WHERE signed_up_at > %(since)s ORDER BY signed_up_at DESC LIMIT %(sample)s)
), before AS MATERIALIZED (
    (SELECT {column} AS value FROM signatures_signature
    WHERE NOT paper AND signed_up_at <= %(since)s AND signed_up_at > %(from)s AND {column} <> {empty}
    ORDER BY signed_up_at DESC LIMIT %(sample)s)
    UNION ALL
    (SELECT {column} AS value FROM signatures_submission
    WHERE signed_up_at <= %(since)s AND signed_up_at > %(from)s AND {column} <> {empty}
    ORDER BY signed_up_at DESC LIMIT %(sample)s)
), frequent AS (
    SELECT value, count(*) AS number FROM (SELECT {each} AS value FROM recent) one_each
    WHERE value <> '' GROUP BY value HAVING count(*) >= %(min_number)s
), earlier AS (
    SELECT value, count(*) AS number FROM (SELECT {each} AS value FROM before) one_each GROUP BY value
)
SELECT frequent.number, (SELECT count(*) FROM recent), coalesce(earlier.number, 0), (SELECT count(*) FROM before),
    coalesce((SELECT max(number) FROM earlier), 0)
FROM frequent LEFT JOIN earlier USING (value) ORDER BY frequent.number DESC LIMIT 50
