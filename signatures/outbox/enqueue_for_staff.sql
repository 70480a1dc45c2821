-- Enqueues an email to each of the accounts %(ids)s that got fewer than %(max_per_hour)s of this kind in the last hour.
INSERT INTO signatures_outboxmail (staff_id, kind, priority, topic, language, recipient, queued_at, due_at, attempts, failure)
SELECT u.id, %(kind)s, %(priority)s, %(topic)s, %(language)s, wanted.recipient, %(now)s, %(now)s, 0, ''
FROM unnest(%(ids)s::bigint[], %(recipients)s::bytea[]) AS wanted (id, recipient)
    JOIN auth_user u ON u.id = wanted.id
WHERE (
    SELECT count(*) FROM signatures_outboxmail m
    WHERE m.staff_id = u.id AND m.kind = %(kind)s AND m.queued_at > %(now)s - interval '1 hour'
) < %(max_per_hour)s
