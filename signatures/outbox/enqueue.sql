-- Enqueues emails to the address of the signatures %(ids)s: each kind of %(kinds)s, due after its wait.
-- `sent` counts what was enqueued for the same address and letter, whatever kind of signature it was for: an address
-- that got enough gets no more (threat model S20). Updates were asked for, so they do not count.
INSERT INTO signatures_outboxmail (signature_id, kind, language, recipient, queued_at, due_at, attempts, failure)
SELECT s.id, wanted.kind, %(language)s, wanted.recipient, %(now)s, %(now)s + wanted.wait, 0, ''
FROM signatures_signature s,
    unnest(%(kinds)s::text[], %(waits)s::interval[], %(recipients)s::bytea[]) AS wanted (kind, wait, recipient),
    LATERAL (
        SELECT count(*) FILTER (WHERE m.kind <> 'update') AS in_all,
            count(*) FILTER (WHERE m.kind = 'link' AND m.queued_at > %(now)s - interval '1 day') AS in_a_day,
            max(m.queued_at) FILTER (WHERE m.kind = 'link') AS last,
            count(*) FILTER (WHERE m.kind = 'reminder' AND m.signature_id = s.id) AS reminders
        FROM signatures_outboxmail m WHERE m.signature_id = ANY (ARRAY(
            SELECT other.id FROM signatures_signature other
            WHERE other.letter_id = s.letter_id AND other.kind = ANY (%(all_kinds)s)
                AND other.address_hash = s.address_hash
        ))
    ) sent
WHERE s.id = ANY (%(ids)s) AND sent.in_all < %(max_in_all)s
    AND coalesce(
        (SELECT q.until <= %(now)s FROM signatures_suppression q WHERE q.address_hash = s.address_hash), TRUE
    )
    AND CASE wanted.kind
        WHEN 'reminder' THEN s.state = 'unconfirmed' AND sent.reminders = 0
        ELSE sent.in_a_day < %(max_per_day)s AND coalesce(sent.last <= %(interval_since)s, TRUE)
    END
