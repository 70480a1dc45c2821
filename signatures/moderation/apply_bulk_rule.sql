-- Apply a bulk rule to one batch of signatures: change them, write audit entries, remember their former state.
--
-- Confirmed signatures are rejected. Unconfirmed ones get a flag, so that they wait for review should they be
-- confirmed.
--
-- The part in braces is a subquery with the conditions of the rule, which locks the rows. A row that somebody changed
-- while this statement waited for its lock is therefore checked against the conditions again.
WITH chosen AS MATERIALIZED ({chosen}), changed AS (
    UPDATE signatures_signature AS signature
    SET state = CASE WHEN chosen.state = 'unconfirmed' THEN chosen.state ELSE 'rejected' END,
        approved_on = NULL,
        flags = CASE
            WHEN chosen.state = 'unconfirmed' THEN chosen.flags || %(flag)s::varchar(20)
            ELSE ARRAY(SELECT flag FROM unnest(chosen.flags) AS flag WHERE flag <> ALL (%(ended_flags)s))
        END
    FROM chosen
    WHERE signature.id = chosen.id
    RETURNING chosen.*, signature.state AS new_state, signature.flags AS new_flags
), logged AS (
    INSERT INTO signatures_auditentry (at, action, staff_id, letter_id, signature_id, was, now, reason, detail)
    SELECT %(at)s, %(action)s, %(staff_id)s, letter_id, id,
        state, CASE WHEN new_state = 'rejected' THEN new_state ELSE '' END, '',
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
SELECT
    count(*) FILTER (WHERE new_state = 'rejected') AS rejected,
    count(*) FILTER (WHERE new_state <> 'rejected') AS flagged,
    max(id) AS last
FROM changed
