-- Apply a bulk rule to one batch of signatures: reject them, write audit entries, remember their former state.
--
-- The part in braces is a subquery with the conditions of the rule, which locks the rows. A row that somebody changed
-- while this statement waited for its lock is therefore checked against the conditions again.
WITH chosen AS MATERIALIZED ({chosen}), changed AS (
    UPDATE signatures_signature AS signature
    SET state = 'rejected',
        approved_on = NULL,
        flags = ARRAY(SELECT flag FROM unnest(chosen.flags) AS flag WHERE flag <> ALL (%(ended_flags)s))
    FROM chosen
    WHERE signature.id = chosen.id
    RETURNING chosen.*, signature.flags AS new_flags
), logged AS (
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    SELECT %(at)s, %(action)s, %(staff_id)s, letter_id, id, state, 'rejected', '',
        jsonb_strip_nulls(jsonb_build_object(
            'rule', %(rule_id)s,
            'approved_on', approved_on,
            'flags', CASE WHEN flags <> new_flags THEN array_to_string(flags, ' ') END
        ))
    FROM changed
    ORDER BY id
    RETURNING id, signature_id
), remembered AS (
    INSERT INTO signatures_bulkrulechange (rule_id, signature_id, entry_id, state, approved_on, flags)
    SELECT %(rule_id)s, changed.id, logged.id, state, approved_on, flags
    FROM changed
    JOIN logged ON logged.signature_id = changed.id
)
SELECT count(*), max(id) FROM changed
