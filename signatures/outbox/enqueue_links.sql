-- Enqueues one email with all links of an address under a letter: nothing if there are none, or if one waits already.
-- It belongs to a signature where there is one, else to the newest submission.
WITH mine AS (
    SELECT id, TRUE AS is_signed, FALSE AS is_flagged FROM signatures_signature
    WHERE letter_id = %(letter_id)s AND kind = ANY (%(kinds)s) AND address_hash = %(address_hash)s
    UNION ALL
    SELECT id, FALSE, flags <> '{}' FROM signatures_submission
    WHERE letter_id = %(letter_id)s AND address_hash = %(address_hash)s
)
INSERT INTO signatures_outboxmail (signature_id, kind, priority, mailbox, language, recipient, queued_at, due_at,
    attempts, failure)
SELECT coalesce(min(id) FILTER (WHERE is_signed), max(id)), 'links',
    CASE WHEN bool_or(is_signed) THEN %(asked)s WHEN bool_and(is_flagged) THEN %(flagged)s ELSE %(sign_up)s END,
    %(mailbox)s, %(language)s, %(recipient)s, %(now)s, %(now)s, 0, ''
FROM mine
HAVING count(*) > 0
    AND NOT EXISTS (
        SELECT FROM signatures_outboxmail AS unsent
        WHERE unsent.signature_id IN (SELECT id FROM mine) AND unsent.kind = 'links' AND unsent.recipient IS NOT NULL
    )
