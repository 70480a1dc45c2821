-- Undo one batch of the changes of a bulk rule.
--
-- A rejected signature gets its former state back, unless another transition followed. A flagged one loses the flag,
-- confirmed or not, unless it was decided meanwhile.
WITH restored AS (
    UPDATE signatures_signature AS signature
    SET state = CASE WHEN former.state = 'unconfirmed' THEN signature.state ELSE former.state END,
        approved_on = CASE WHEN former.state = 'unconfirmed' THEN signature.approved_on ELSE former.approved_on END,
        flags = CASE
            WHEN former.state = 'unconfirmed' THEN array_remove(signature.flags, %(flag)s::varchar(20))
            ELSE former.flags
        END
    FROM signatures_bulkrulechange AS former, signatures_signature AS current
    WHERE former.rule_id = %(rule_id)s
        AND former.signature_id = ANY (%(chosen)s)
        AND signature.id = former.signature_id
        AND current.id = former.signature_id
        AND CASE
            WHEN former.state = 'unconfirmed' THEN
                signature.state IN ('unconfirmed', 'waiting') AND signature.flags @> ARRAY[%(flag)s::varchar(20)]
            ELSE
                signature.state = 'rejected' AND NOT EXISTS (
                    SELECT FROM signatures_auditentry AS later
                    WHERE later.signature_id = former.signature_id AND later.id > former.entry_id AND later.now <> ''
                )
        END
    RETURNING signature.id, signature.letter_id, current.state AS was,
        CASE WHEN former.state = 'unconfirmed' THEN '' ELSE signature.state END AS now
), logged AS (
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    SELECT %(at)s, %(action)s, %(staff_id)s, letter_id, id, was, now, '', jsonb_build_object('rule', %(rule_id)s)
    FROM restored
    ORDER BY id
)
SELECT count(*) FROM restored
