-- Flags what was counted in a bucket which is over its limit now: submissions, with their emails, which then go last; and
-- signatures. An approved one goes back to the queue, unless a member of staff decided on it. Each signature gets an
-- audit entry.
--
-- What nobody has confirmed changes no signature: signatures are flagged only when more of them than the limit belong to
-- one flood. Otherwise strangers could take a name off the page by typing the addresses of others.
--
-- A mailbox is over its limit only by that many addresses that may be spellings of it: whoever types one address again
-- and again does nothing to its owner.
--
-- A limit slides: its flood may have begun in the span before, whose bucket has another mark.
WITH full_buckets AS MATERIALIZED (
    SELECT key AS bucket, encode(substring(part FROM 1 FOR 8), 'hex') AS mark, scope, max_count
    FROM signatures_ratebucket, unnest(ARRAY[key, former_key]) AS part
    WHERE scope = ANY (%(scopes)s) AND over_count > 0 AND count + former_count > max_count AND part IS NOT NULL
), over_limit AS MATERIALIZED (
    SELECT mark FROM full_buckets WHERE scope <> 'mailbox'
    UNION ALL
    SELECT mark FROM full_buckets JOIN (
        SELECT bucket FROM (
            SELECT mark, address_hash FROM signatures_submission, unnest(marks) AS mark WHERE signed_up_at > %(since)s
            UNION ALL
            SELECT mark, address_hash FROM signatures_signature, unnest(marks) AS mark WHERE signed_up_at > %(since)s
        ) AS marked JOIN full_buckets USING (mark)
        WHERE scope = 'mailbox' GROUP BY bucket, max_count HAVING count(DISTINCT address_hash) > max_count
    ) AS crowded USING (bucket)
), confirmed_over_limit AS MATERIALIZED (
    SELECT mark FROM full_buckets JOIN (
        SELECT bucket FROM signatures_signature, unnest(marks) AS mark JOIN full_buckets USING (mark)
        WHERE signed_up_at > %(since)s GROUP BY bucket, max_count HAVING count(DISTINCT address_hash) > max_count
    ) AS crowded USING (bucket)
), submitted AS (
    UPDATE signatures_submission AS submission SET
        flags = ARRAY(SELECT flag FROM unnest(flags || %(burst)s::varchar(20)) AS flag ORDER BY flag)
    WHERE id IN (
            SELECT recent.id FROM signatures_submission AS recent, unnest(recent.marks) AS mark
            WHERE recent.signed_up_at > %(since)s AND mark IN (SELECT over_limit.mark FROM over_limit)
        )
        AND NOT %(burst)s = ANY (flags)
    RETURNING submission.id
), mails AS (
    UPDATE signatures_outboxmail SET priority = %(flagged_mail)s
    FROM submitted WHERE signature_id = submitted.id AND kind = 'link' AND recipient IS NOT NULL
), chosen AS MATERIALIZED (
    SELECT id, letter_id, state, approved_on FROM signatures_signature AS signature
    WHERE id IN (
            SELECT recent.id FROM signatures_signature AS recent, unnest(recent.marks) AS mark
            WHERE recent.signed_up_at > %(since)s
                AND mark IN (SELECT confirmed_over_limit.mark FROM confirmed_over_limit)
        )
        AND NOT %(burst)s = ANY (flags)
        AND (state = 'waiting' OR state = 'approved' AND NOT EXISTS (
            SELECT FROM signatures_auditentry AS entry
            WHERE entry.signature_id = signature.id AND entry.staff_id IS NOT NULL AND entry.now <> ''
        ))
    ORDER BY id FOR UPDATE OF signature
), flagged AS (
    UPDATE signatures_signature AS signature SET
        flags = ARRAY(SELECT flag FROM unnest(flags || %(burst)s::varchar(20)) AS flag ORDER BY flag),
        state = 'waiting',
        approved_on = NULL
    FROM chosen WHERE signature.id = chosen.id
    RETURNING chosen.*
), entries AS (
    INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail)
    SELECT %(now)s, %(action)s, letter_id, id,
        CASE WHEN state = 'approved' THEN state ELSE '' END,
        CASE WHEN state = 'approved' THEN 'waiting' ELSE '' END,
        %(burst)s, jsonb_strip_nulls(jsonb_build_object('approved_on', approved_on))
    FROM flagged ORDER BY id
)
SELECT (SELECT count(*) FROM submitted) + (SELECT count(*) FROM flagged)
