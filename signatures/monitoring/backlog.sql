-- What waits. Each value is read from an index, or from a table of a few rows.
SELECT
    (SELECT coalesce(sum(number), 0) FROM signatures_countdelta WHERE state = 'waiting' AND flagged) - aside.number
        AS flagged,
    (SELECT coalesce(sum(number), 0) FROM signatures_countdelta WHERE state = 'waiting' AND NOT flagged) AS unflagged,
    (SELECT coalesce(confirmed_at, signed_up_at) FROM signatures_signature
        WHERE state = 'waiting' AND CASE WHEN flags = '{}'::varchar(20)[] THEN 1 ELSE 0 END = 0
            AND NOT flags && ARRAY['hold', 'asked']::varchar(20)[]
        ORDER BY signed_up_at LIMIT 1) AS flagged_since,
    (SELECT coalesce(confirmed_at, signed_up_at) FROM signatures_signature
        WHERE state = 'waiting' AND CASE WHEN flags = '{}'::varchar(20)[] THEN 1 ELSE 0 END = 1
        ORDER BY signed_up_at LIMIT 1) AS unflagged_since,
    aside.held, aside.held_since, aside.asked, aside.asked_since,
    due.now AS mails_due, due.later AS mails_later, due.failing AS mails_failing, due.oldest AS mail_due_since,
    (SELECT max(sent_at) FROM signatures_outboxmail WHERE sent_at IS NOT NULL) AS mail_sent_since,
    (SELECT count(*) FROM signatures_outboxmail
        WHERE sent_at IS NULL AND recipient IS NULL AND due_at > %(failed_since)s) AS mails_given_up,
    tasks.running AS tasks_running, tasks.ready AS tasks_ready, tasks.failed AS tasks_failed,
    (SELECT count(*) FROM signatures_signature
        WHERE flags @> '{reported}'::varchar(20)[] AND state = 'approved') AS reported
FROM (
    SELECT count(*) FILTER (WHERE since <= %(now)s) AS now, count(*) FILTER (WHERE since > %(now)s) AS later,
        count(*) FILTER (WHERE failure <> '') AS failing, min(since) FILTER (WHERE since <= %(now)s) AS oldest
    FROM (
        SELECT coalesce(waiting_since, due_at) AS since, failure FROM signatures_outboxmail WHERE recipient IS NOT NULL
    ) unsent
) due, (
    SELECT count(*) FILTER (WHERE status = 'RUNNING') AS running, count(*) FILTER (WHERE status = 'READY') AS ready,
        count(*) FILTER (WHERE status = 'FAILED' AND finished_at > %(failed_since)s) AS failed
    FROM django_tasks_database_dbtaskresult
) tasks, (
    -- Held and asked: they wait for a colleague or for their signer, in tabs of the queue of their own.
    SELECT count(*) AS number,
        count(*) FILTER (WHERE flags @> '{hold}'::varchar(20)[]) AS held,
        min(signed_up_at) FILTER (WHERE flags @> '{hold}'::varchar(20)[]) AS held_since,
        count(*) FILTER (WHERE flags @> '{asked}'::varchar(20)[]) AS asked,
        min(signed_up_at) FILTER (WHERE flags @> '{asked}'::varchar(20)[]) AS asked_since
    FROM signatures_signature WHERE state = 'waiting' AND flags && ARRAY['hold', 'asked']::varchar(20)[]
) aside
