-- Locks the signature, checks that it may be confirmed, saves it, writes the audit entry and drops the reminder; or does
-- none of it. Flags of the submission stay, except those that the former words raised.
WITH unconfirmed AS (
    SELECT id, ARRAY(
        SELECT DISTINCT flag FROM unnest(flags || %(flags)s::text[]) AS flag
        WHERE flag = ANY (%(flags)s) OR flag <> ALL (%(flags_of_words)s)
            OR (flag = %(similar)s AND (name, country) = (%(typed_name)s, %(country)s))
        ORDER BY flag
    )::varchar(20)[] AS flags
    FROM signatures_signature
    WHERE id = %(id)s AND state = ANY (%(allowed_from)s)
    FOR UPDATE
), confirmed AS (
    UPDATE signatures_signature AS signature SET
        ({columns}) = ({values}),
        flags = unconfirmed.flags,
        state = CASE WHEN %(needs_no_review)s AND cardinality(unconfirmed.flags) = 0 THEN 'approved' ELSE 'waiting' END,
        approved_on = CASE WHEN %(needs_no_review)s AND cardinality(unconfirmed.flags) = 0 THEN %(now)s::date END,
        confirmed_at = %(now)s,
        sealed_address = CASE WHEN %(no_updates)s THEN NULL ELSE sealed_address END
    FROM unconfirmed
    WHERE signature.id = unconfirmed.id
    RETURNING signature.id, letter_id, state
), audit_entry AS (
    INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail)
    SELECT %(now)s, %(action)s, letter_id, id, 'unconfirmed', state, '', jsonb_build_object() FROM confirmed
), reminder AS (
    DELETE FROM signatures_outboxmail USING confirmed
    WHERE signature_id = confirmed.id AND signatures_outboxmail.kind = 'reminder' AND recipient IS NOT NULL
)
SELECT id FROM confirmed
