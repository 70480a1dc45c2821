-- Confirms a submission as before (`submit_and_confirm.sql`), and unites its marks with those of what its address has
-- withdrawn, erased or deleted, too.
CREATE OR REPLACE FUNCTION signatures_confirm(number bigint, "values" jsonb, raised text[], rules jsonb) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    typed signatures_submission;
    signed signatures_signature;
    had signatures_submission.flags%TYPE := '{}';
    of_words text[] := ARRAY(SELECT jsonb_array_elements_text(rules -> 'of_words'));
    ended text[] := ARRAY(SELECT jsonb_array_elements_text(rules -> 'ended'));
BEGIN
    DELETE FROM signatures_submission WHERE id = number RETURNING * INTO typed;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    had := ARRAY(
        SELECT flag FROM unnest(typed.flags) AS flag WHERE flag <> ALL (of_words) OR (flag = rules ->> 'similar'
            AND (typed.name, typed.country) = ("values" ->> 'name', "values" ->> 'country'))
        UNION ALL
        SELECT unnest(flags) FROM signatures_submission
            WHERE letter_id = typed.letter_id AND address_hash = typed.address_hash
        UNION ALL
        SELECT unnest(flags || CASE WHEN state = 'rejected' THEN ARRAY[rules ->> 'rejected_before']::varchar[] END)
            FROM signatures_signature
            WHERE letter_id = typed.letter_id AND kind IN ('person', 'organization') AND address_hash = typed.address_hash
        UNION ALL
        SELECT unnest(flags) FROM signatures_tombstone
            WHERE letter_id = typed.letter_id AND kind IN ('person', 'organization') AND address_hash = typed.address_hash
    );
    typed.flags := ARRAY(
        SELECT DISTINCT flag FROM unnest(had || raised::varchar[]) AS flag WHERE flag <> ALL (ended) ORDER BY flag
    );
    typed.marks := ARRAY(
        SELECT unnest(typed.marks)
        UNION
        SELECT unnest(marks) FROM signatures_submission
            WHERE letter_id = typed.letter_id AND address_hash = typed.address_hash
        UNION
        SELECT unnest(marks) FROM signatures_signature
            WHERE letter_id = typed.letter_id AND kind IN ('person', 'organization') AND address_hash = typed.address_hash
        UNION
        SELECT unnest(marks) FROM signatures_formermarks
            WHERE letter_id = typed.letter_id AND address_hash = typed.address_hash
    );
    signed := jsonb_populate_record(NULL::signatures_signature, to_jsonb(typed) || "values");
    signed.state := 'waiting';
    IF (rules ->> 'needs_no_review')::boolean AND signed.flags = '{}' THEN
        signed.state := 'approved';
        signed.approved_on := (signed.confirmed_at AT TIME ZONE 'UTC')::date;
    END IF;
    IF (rules ->> 'no_updates')::boolean THEN
        signed.sealed_address := NULL;
    END IF;
    INSERT INTO signatures_signature SELECT signed.*;
    INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail)
        VALUES (signed.confirmed_at, rules ->> 'action', signed.letter_id, signed.id, '', signed.state, '', '{}');
    -- What a bulk rule flagged is unflagged when the rule is undone, whichever submission was confirmed.
    INSERT INTO signatures_bulkrulechange (rule_id, signature_id, entry_id, state, flags)
        SELECT DISTINCT rule_id, signed.id, 0, '', '{}'::varchar[] FROM signatures_bulkrulechange
        WHERE state = '' AND signature_id IN (
            SELECT id FROM signatures_submission
            WHERE letter_id = typed.letter_id AND address_hash = typed.address_hash
        )
        ON CONFLICT DO NOTHING;
    DELETE FROM signatures_outboxmail
        WHERE signature_id = signed.id AND kind IN ('link', 'reminder') AND recipient IS NOT NULL;
    RETURN signed.state;
END $$;
