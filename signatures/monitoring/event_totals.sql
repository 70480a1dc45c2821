-- How often each event has happened since the site began: what is folded already, and what is not folded yet.
SELECT event, sum(number) FROM (
    SELECT event, number FROM signatures_hourlystatistic
    UNION ALL
    SELECT event, abs(number) FROM signatures_countdelta WHERE event <> ''
) events GROUP BY event
