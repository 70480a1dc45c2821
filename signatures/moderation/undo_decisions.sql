-- Undo the decisions with these audit entries: each must be the last transition of its signature, which is locked.
--
-- Of the flags the effect of the decision alone is reversed: what it removed comes back, what it added goes. Whatever
-- was raised or ended since stays so. An entry without flags changed none.
WITH former AS MATERIALIZED (
    SELECT id AS entry_id, signature_id, was, now,
        (detail ->> 'approved_on')::date AS approved_on,
        string_to_array(detail ->> 'flags', ' ')::varchar(20)[] AS flags,
        CASE WHEN action = 'hold' THEN %(added_flags)s ELSE '{}' END::varchar(20)[] AS added
    FROM signatures_auditentry
    WHERE id = ANY (%(entries)s) AND action = ANY (%(actions)s)
), restored AS (
    UPDATE signatures_signature AS signature
    SET state = former.was,
        approved_on = former.approved_on,
        flags = CASE WHEN former.flags IS NULL THEN signature.flags ELSE ARRAY(
            SELECT flag FROM unnest(former.flags) AS flag
            WHERE flag = ANY (signature.flags || %(ended_flags)s::varchar(20)[])
        ) || ARRAY(
            SELECT flag FROM unnest(signature.flags) AS flag WHERE flag <> ALL (former.flags || former.added)
        ) END
    FROM former, signatures_signature AS current
    WHERE signature.id = former.signature_id AND current.id = former.signature_id AND signature.state = former.now
    RETURNING signature.id, signature.letter_id, signature.state, current.state AS was, current.approved_on
), logged AS (
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    SELECT %(at)s, %(action)s, %(staff_id)s, letter_id, id, was, state, '',
        jsonb_strip_nulls(jsonb_build_object('approved_on', approved_on, 'run', %(run)s::bigint))
    FROM restored
    ORDER BY id
)
SELECT ARRAY(SELECT id FROM restored ORDER BY id)
