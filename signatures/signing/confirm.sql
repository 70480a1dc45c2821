-- Turns a submission into a signature, with its audit entry; or does nothing if the submission is gone or its place is
-- taken. The number and the public id stay, so that the same link leads to the signature.
--
-- Flags are those of all submissions with this address and of all that it signed before, withdrawn or erased, so that
-- no typing again loses one. Of this submission, those that its former words raised are replaced by `flags`.
WITH submission AS (
    DELETE FROM signatures_submission WHERE id = %(id)s RETURNING *
), earlier AS (
    SELECT flags, marks FROM signatures_submission
    WHERE letter_id = %(letter_id)s AND address_hash = %(address_hash)s AND id <> %(id)s
    UNION ALL
    SELECT flags || CASE WHEN state = 'rejected' THEN ARRAY[%(rejected_before)s::varchar(20)] ELSE '{{}}' END, marks
    FROM signatures_signature
    WHERE letter_id = %(letter_id)s AND kind = ANY (%(kinds)s) AND address_hash = %(address_hash)s
    UNION ALL
    SELECT flags, '{{}}' FROM signatures_tombstone
    WHERE letter_id = %(letter_id)s AND kind = ANY (%(kinds)s) AND address_hash = %(address_hash)s
), screened AS (
    SELECT submission.*, ARRAY(
        SELECT DISTINCT flag FROM (
            SELECT unnest(flags) FROM earlier
            UNION ALL
            SELECT unnest(%(flags)s::varchar(20)[])
            UNION ALL
            SELECT flag FROM unnest(submission.flags) AS flag
            WHERE flag <> ALL (%(flags_of_words)s)
                OR (flag = %(similar)s AND (submission.name, submission.country) = (%(name)s, %(country)s))
        ) AS raised (flag) WHERE flag <> ALL (%(ended_flags)s) ORDER BY flag
    )::varchar(20)[] AS all_flags, ARRAY(
        SELECT unnest(marks) FROM earlier UNION SELECT unnest(submission.marks)
    )::varchar(16)[] AS all_marks
    FROM submission
), confirmed AS (
    INSERT INTO signatures_signature (id, public_id, letter_id, address_hash, mailbox, place, paper, domains, network,
        marks, flags, sealed_address, signed_up_at, confirmed_at, state, approved_on, {columns})
    SELECT id, public_id, letter_id, address_hash, mailbox, %(place)s, FALSE, domains, network, all_marks, all_flags,
        CASE WHEN NOT %(no_updates)s THEN sealed_address END, signed_up_at, %(now)s,
        CASE WHEN %(needs_no_review)s AND all_flags = '{{}}' THEN 'approved' ELSE 'waiting' END,
        CASE WHEN %(needs_no_review)s AND all_flags = '{{}}' THEN %(now)s::date END, {values}
    FROM screened
    RETURNING id, letter_id, state
), audit_entry AS (
    INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail)
    SELECT %(now)s, %(action)s, letter_id, id, '', state, '', jsonb_build_object() FROM confirmed
), unsent AS (
    DELETE FROM signatures_outboxmail USING confirmed
    WHERE signature_id = confirmed.id AND signatures_outboxmail.kind IN ('link', 'reminder') AND recipient IS NOT NULL
)
SELECT id FROM confirmed
