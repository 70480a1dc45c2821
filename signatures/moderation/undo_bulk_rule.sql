-- Undo one batch of the changes of a bulk rule.
--
-- A rejected signature gets its former state back, unless another transition followed. A submission that was flagged
-- loses the flag; so does the signature that it became, which has its number, unless it was decided meanwhile.
WITH former AS MATERIALIZED (
    SELECT * FROM signatures_bulkrulechange WHERE rule_id = %(rule_id)s AND signature_id = ANY (%(chosen)s)
), restored AS (
    UPDATE signatures_signature AS signature
    SET state = CASE WHEN former.state = '' THEN signature.state ELSE former.state END,
        approved_on = CASE WHEN former.state = '' THEN signature.approved_on ELSE former.approved_on END,
        flags = CASE
            WHEN former.state = '' THEN array_remove(signature.flags, %(flag)s::varchar(20)) ELSE former.flags
        END
    FROM former, signatures_signature AS current
    WHERE signature.id = former.signature_id
        AND current.id = former.signature_id
        AND CASE
            WHEN former.state = '' THEN
                signature.state = 'waiting' AND signature.flags @> ARRAY[%(flag)s::varchar(20)]
            ELSE
                signature.state = 'rejected' AND NOT EXISTS (
                    SELECT FROM signatures_auditentry AS later
                    WHERE later.signature_id = former.signature_id AND later.id > former.entry_id AND later.now <> ''
                )
        END
    RETURNING signature.id, signature.letter_id, current.state AS was,
        CASE WHEN former.state = '' THEN '' ELSE signature.state END AS now
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
