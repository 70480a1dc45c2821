-- Enqueues one email with all links of an address under a letter: nothing if there are none, or if one waits already.
-- It belongs to a signature where there is one, else to the newest submission. One that waits behind what it is worth by
-- now, because a stranger asked for it before anything was signed, is brought forward.
WITH mine AS (
    SELECT id, TRUE AS is_signed, FALSE AS is_flagged FROM signatures_signature
    WHERE letter_id = %(letter_id)s AND kind = ANY (%(kinds)s) AND address_hash = %(address_hash)s
    UNION ALL
    SELECT id, FALSE, flags <> '{}' FROM signatures_submission
    WHERE letter_id = %(letter_id)s AND address_hash = %(address_hash)s
), wanted AS (
    SELECT coalesce(min(id) FILTER (WHERE is_signed), max(id)) AS signature_id,
        CASE WHEN bool_or(is_signed) THEN %(asked)s WHEN bool_and(is_flagged) THEN %(flagged)s ELSE %(sign_up)s END
            AS priority
    FROM mine HAVING count(*) > 0
), unsent AS (
    SELECT id FROM signatures_outboxmail
    WHERE signature_id IN (SELECT id FROM mine) AND kind = 'links' AND recipient IS NOT NULL
), brought_forward AS (
    UPDATE signatures_outboxmail AS mail
    SET signature_id = wanted.signature_id, priority = wanted.priority, due_at = LEAST(mail.due_at, %(now)s)
    FROM wanted WHERE mail.id IN (SELECT id FROM unsent) AND mail.priority > wanted.priority
)
INSERT INTO signatures_outboxmail (signature_id, kind, priority, mailbox, language, recipient, queued_at, due_at,
    attempts, failure)
SELECT signature_id, 'links', priority, %(mailbox)s, %(language)s, %(recipient)s, %(now)s, %(now)s, 0, ''
FROM wanted WHERE NOT EXISTS (SELECT FROM unsent)
