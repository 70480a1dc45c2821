-- Undo one batch of the changes of a bulk rule.
--
-- A rejected signature gets its former state back, unless another transition followed. A submission that was flagged
-- loses the flag; so does a signature that waits and got the flag from one, unless another rule that flagged it is in
-- force.
WITH former AS MATERIALIZED (
    SELECT * FROM signatures_bulkrulechange WHERE rule_id = %(rule_id)s AND signature_id = ANY (%(chosen)s)
), restored AS (
    UPDATE signatures_signature AS signature
    SET state = CASE WHEN current.state = 'waiting' THEN current.state ELSE former.state END,
        approved_on = CASE WHEN current.state = 'waiting' THEN current.approved_on ELSE former.approved_on END,
        flags = CASE
            WHEN current.state = 'waiting' THEN array_remove(current.flags, %(flag)s::varchar(20)) ELSE former.flags
        END
    FROM former, signatures_signature AS current
    WHERE signature.id = former.signature_id
        AND current.id = former.signature_id
        AND CASE current.state
            WHEN 'waiting' THEN
                current.flags @> ARRAY[%(flag)s::varchar(20)] AND NOT EXISTS (
                    SELECT FROM signatures_bulkrulechange AS other
                    JOIN signatures_bulkrule AS rule ON rule.id = other.rule_id
                    WHERE other.signature_id = former.signature_id AND other.rule_id <> former.rule_id
                        AND other.state = '' AND rule.step NOT IN ('undoing', 'undone')
                )
            WHEN 'rejected' THEN
                former.state <> '' AND NOT EXISTS (
                    SELECT FROM signatures_auditentry AS later
                    WHERE later.signature_id = former.signature_id AND later.id > former.entry_id AND later.now <> ''
                )
            ELSE FALSE
        END
    RETURNING signature.id, signature.letter_id, current.state AS was,
        CASE WHEN current.state = 'waiting' THEN '' ELSE signature.state END AS now
), unflagged AS (
    UPDATE signatures_submission AS submission SET flags = array_remove(submission.flags, %(flag)s::varchar(20))
    FROM former WHERE submission.id = former.signature_id AND submission.flags @> ARRAY[%(flag)s::varchar(20)]
    RETURNING submission.id
), logged AS (
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    SELECT %(at)s, %(action)s, %(staff_id)s, letter_id, id, was, now, '', jsonb_build_object('rule', %(rule_id)s)
    FROM restored
    ORDER BY id
)
SELECT (SELECT count(*) FROM restored) + (SELECT count(*) FROM unflagged)
