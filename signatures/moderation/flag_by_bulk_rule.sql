-- Apply a bulk rule to submissions: flag them, so that they wait for review should they be confirmed.
-- The part in braces is a subquery with the conditions of the rule, which locks the rows.
WITH chosen AS MATERIALIZED ({chosen}), changed AS (
    UPDATE signatures_submission AS submission SET flags = chosen.flags || %(flag)s::varchar(20)
    FROM chosen WHERE submission.id = chosen.id
    RETURNING chosen.id
), mails AS (
    UPDATE signatures_outboxmail SET priority = %(flagged_mail)s
    FROM changed WHERE signature_id = changed.id AND kind IN ('link', 'links') AND recipient IS NOT NULL
), remembered AS (
    INSERT INTO signatures_bulkrulechange (rule_id, signature_id, entry_id, state, flags)
    SELECT %(rule_id)s, id, 0, '', '{{}}' FROM changed
)
SELECT count(*), max(id) FROM changed
