-- Approve, reject or hold the chosen signatures and write their audit entries, in one statement for any number.
--
-- A signature is left as it is when its state does not allow the transition, or when somebody else did something with
-- it after the audit entry `as_of` (threat model A7). What somebody else did is in the audit log, or, when it was
-- committed while this statement waited for the lock, visible as a row version that differs from the snapshot.
--
-- The part in braces after IN is a subquery of signature ids.
WITH chosen AS MATERIALIZED (
    SELECT id, letter_id, state, approved_on, flags, ctid AS version
    FROM signatures_signature
    WHERE id IN ({chosen})
    ORDER BY id
    FOR UPDATE
), unchanged AS (
    SELECT chosen.*
    FROM chosen
    JOIN signatures_signature AS snapshot ON snapshot.id = chosen.id AND snapshot.ctid = chosen.version
    WHERE %(as_of)s::bigint IS NULL OR NOT EXISTS (
        SELECT FROM signatures_auditentry AS entry
        WHERE entry.signature_id = chosen.id
            AND entry.id > %(as_of)s
            AND entry.staff_id IS DISTINCT FROM %(staff_id)s
            AND entry.action <> ALL (%(read_actions)s)
    )
), decided AS (
    UPDATE signatures_signature AS signature
    SET state = %(target_state)s,
        approved_on = CASE WHEN %(action)s = 'approve' THEN COALESCE(unchanged.approved_on, %(today)s) END,
        flags = ARRAY(
            SELECT flag FROM unnest(unchanged.flags) AS flag WHERE flag <> ALL (%(ended_flags)s)
        ) || %(added_flags)s::varchar(20)[]
    FROM unchanged
    WHERE signature.id = unchanged.id
        AND unchanged.state = ANY (%(allowed_states)s)
        AND NOT %(added_flags)s::varchar(20)[] && unchanged.flags
    RETURNING unchanged.*, signature.state AS new_state, signature.flags AS new_flags
), logged AS (
    -- The detail holds what an undo needs, and what the signer of a rejected signature is told.
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    SELECT %(at)s, %(action)s, %(staff_id)s, letter_id, id, state, new_state, %(reason)s,
        jsonb_strip_nulls(jsonb_build_object(
            'approved_on', approved_on,
            'told', CASE WHEN %(action)s = 'reject' THEN (
                SELECT code FROM signatures_rejectionreason WHERE text = %(reason)s
            ) END,
            'flags', CASE WHEN flags <> new_flags THEN array_to_string(flags, ' ') END
        ))
    FROM decided
    ORDER BY id
    RETURNING id
)
SELECT
    (SELECT count(*) FROM chosen) AS found,
    count(*) AS decided,
    min(id) AS first_entry,
    max(id) AS last_entry,
    ARRAY(
        SELECT id FROM chosen WHERE id NOT IN (SELECT id FROM decided) ORDER BY id LIMIT {max_named}
    ) AS refused
FROM logged
