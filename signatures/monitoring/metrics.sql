-- What the metrics say beside the backlog. Each value is read from an index, or from a table of few rows.
SELECT
    (SELECT count(*) FROM signatures_outboxmail WHERE sent_at > %(hour_ago)s) AS mails_sent,
    -- Of the duties that are short: what is long has a queue and a thread of its own.
    (SELECT max(finished_at) FROM django_tasks_database_dbtaskresult
     WHERE queue_name = 'default' AND task_path LIKE '%%.run_duties') AS worker_seen_at,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS database_connections_all,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active') AS database_connections_active,
    current_setting('max_connections')::integer AS max_connections
