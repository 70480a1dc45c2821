-- Enqueues an email about %(topic)s for each of the signatures %(ids)s, once.
-- Subscribers asked for it, so the caps of other emails do not apply.
INSERT INTO signatures_outboxmail (signature_id, kind, priority, topic, language, recipient, queued_at, due_at, attempts, failure)
SELECT s.id, 'update', %(priority)s, %(topic)s, coalesce(nullif(s.page_language, ''), s.language), wanted.recipient, %(now)s, %(now)s, 0, ''
FROM unnest(%(ids)s::bigint[], %(recipients)s::bytea[]) AS wanted (id, recipient)
    JOIN signatures_signature s ON s.id = wanted.id
WHERE NOT EXISTS (
    SELECT 1 FROM signatures_outboxmail m WHERE m.signature_id = s.id AND m.kind = 'update' AND m.topic = %(topic)s
)
