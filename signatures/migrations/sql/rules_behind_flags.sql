-- Passes the flag of bulk rules on to a signature, with the rules that raised it: whoever gets the flag loses it when the
-- rule is undone. Returns whether it passes: as long as one of these rules is in force, or if none is known.
--
-- number: of the signature that gets it. sources: numbers of all from which it comes, apart from tombstones, which note
-- their rules themselves.
--
-- Nobody begins to undo a rule between this and the end of the transaction (`bulk_rule_runs.undo` locks it), so that the
-- first batch of the undo finds what is written here. A batch itself does not wait for it, nor this for a batch.
CREATE FUNCTION signatures_pass_rules_on(number bigint, sources bigint[], letter bigint, address bytea) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    known bigint[] := ARRAY(
        SELECT rule_id FROM signatures_bulkrulechange WHERE state = '' AND signature_id = ANY (sources)
        UNION
        SELECT unnest(rules) FROM signatures_tombstone WHERE letter_id = letter AND address_hash = address
    );
BEGIN
    INSERT INTO signatures_bulkrulechange (rule_id, signature_id, entry_id, state, flags)
        SELECT id, number, 0, '', '{}'::varchar[] FROM (
            SELECT id FROM signatures_bulkrule
            WHERE id = ANY (known) AND step NOT IN ('undoing', 'undone')
            ORDER BY id
            FOR KEY SHARE
        ) AS in_force
        ON CONFLICT DO NOTHING;
    RETURN known = '{}' OR EXISTS (
        SELECT FROM signatures_bulkrule WHERE id = ANY (known) AND step NOT IN ('undoing', 'undone')
    );
END $$;

-- Confirms a submission as before (`former_marks.sql`), and passes the flag of bulk rules on with the rules, from wherever
-- it comes.
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
    IF 'invalidated' = ANY (had) AND NOT signatures_pass_rules_on(
        typed.id,
        ARRAY(
            SELECT typed.id
            UNION ALL
            SELECT id FROM signatures_submission
                WHERE letter_id = typed.letter_id AND address_hash = typed.address_hash
            UNION ALL
            SELECT id FROM signatures_signature
                WHERE letter_id = typed.letter_id AND kind IN ('person', 'organization')
                    AND address_hash = typed.address_hash
        ),
        typed.letter_id,
        typed.address_hash
    ) THEN
        had := array_remove(had, 'invalidated'::varchar);
    END IF;
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
    DELETE FROM signatures_outboxmail
        WHERE signature_id = signed.id AND kind IN ('link', 'reminder') AND recipient IS NOT NULL;
    RETURN signed.state;
END $$;
