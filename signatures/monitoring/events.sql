-- How often each event happened, by hour, by day and by language: what is folded already, and what is not folded yet.
WITH events AS (
    SELECT hour, language, event, number FROM signatures_hourlystatistic WHERE hour >= %(first_day)s
    UNION ALL
    SELECT hour, language, event, abs(number) FROM signatures_countdelta WHERE event <> '' AND hour >= %(first_day)s
    UNION ALL
    SELECT date_trunc('hour', sent_at, 'UTC'), '', 'mail', count(*)
    FROM signatures_outboxmail WHERE sent_at >= %(first_hour)s GROUP BY 1
), dated AS (
    SELECT *, date_trunc('day', hour, 'UTC') AS day FROM events
)
SELECT event, hour, day, language, sum(number) FROM dated
GROUP BY GROUPING SETS ((event, hour), (event, day), (event, language))
HAVING grouping(hour) = 1 OR hour >= %(first_hour)s
