-- The two statements of signing, as functions, so that PostgreSQL plans them once for each connection. Both take columns
-- by their names, as JSON: a new column needs no new function.

-- Stores what was typed, with its email and its event for the statistics; or nothing. It reads no signature, and nothing
-- that is already there changes, but for the flags of the same words.
--
-- row: the columns of the submission. words: those of them by which the same is known again. mail: the columns of its
-- email. Returns whether the letter is open.
--
-- None is stored beyond the places of an address. The same again (a double click) is not stored twice: it only adds its
-- flags, and another email if the first one was sent. Every case takes about the same time, which must not tell whether
-- an address is known.
CREATE FUNCTION signatures_submit("row" jsonb, words jsonb, mail jsonb, max_places int) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    typed signatures_submission := jsonb_populate_record(NULL::signatures_submission, "row");
    waiting signatures_submission;
    places int[];
    same signatures_submission;
    number bigint;
    is_flagged boolean := typed.flags <> '{}';
BEGIN
    PERFORM FROM campaign_letter WHERE id = typed.letter_id AND state = 'open';
    IF NOT FOUND THEN
        RETURN FALSE;
    END IF;
    LOOP
        places := '{}';
        same := NULL;
        FOR waiting IN
            SELECT * FROM signatures_submission
            WHERE letter_id = typed.letter_id AND address_hash = typed.address_hash
        LOOP
            places := places || waiting.place::int;
            IF to_jsonb(waiting) @> words AND (waiting.sealed_address IS NULL) = (typed.sealed_address IS NULL) THEN
                same := waiting;
            END IF;
        END LOOP;
        IF same.id IS NOT NULL THEN
            UPDATE signatures_submission SET flags = ARRAY(
                SELECT DISTINCT flag FROM unnest(flags || typed.flags) AS flag ORDER BY flag
            ) WHERE id = same.id AND NOT flags @> typed.flags;
            PERFORM FROM signatures_outboxmail
                WHERE signature_id = same.id AND kind = 'link' AND recipient IS NOT NULL;
            EXIT WHEN FOUND;
            number := same.id;
            is_flagged := is_flagged OR same.flags <> '{}';
            EXIT;
        END IF;
        SELECT min(place) INTO typed.place FROM generate_series(1, max_places) AS place WHERE place <> ALL (places);
        EXIT WHEN typed.place IS NULL;
        typed.id := nextval('signatures_signature_id_seq');
        INSERT INTO signatures_submission SELECT typed.*
            ON CONFLICT (letter_id, address_hash, place) DO NOTHING RETURNING id INTO number;
        IF number IS NOT NULL THEN
            INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, number, hour, language, event)
                VALUES (typed.letter_id, '', typed.visibility, FALSE, 1, date_trunc('hour', typed.signed_up_at, 'UTC'),
                    typed.language, 'sign-up');
            EXIT;
        END IF;
        -- Another request took the place at the same moment: there is at least one fewer now.
    END LOOP;
    IF number IS NOT NULL THEN
        INSERT INTO signatures_outboxmail (signature_id, kind, priority, mailbox, language, recipient, queued_at, due_at,
            attempts, failure)
        VALUES (number, 'link',
            (mail ->> CASE WHEN is_flagged THEN 'priority_if_flagged' ELSE 'priority' END)::smallint,
            mail ->> 'mailbox', typed.language,
            (mail ->> 'recipient')::bytea, typed.signed_up_at, typed.signed_up_at, 0, '');
    END IF;
    RETURN TRUE;
END $$;

-- Turns a submission into a signature, with its audit entry. Its number and public id stay, so that the same link leads to
-- the signature. Returns the state of the signature; NULL if the submission is gone.
--
-- number: that of the submission. "values": the columns that were confirmed or that only a signature has. raised: the
-- flags of the confirmed words. rules: lists of flags by what becomes of them, and `needs_no_review`, `no_updates`.
--
-- Flags and marks are those of all submissions with this address and of all that it signed before, withdrawn or erased,
-- so that no typing again loses one. Of this submission, those that its former words raised are replaced by `raised`.
CREATE FUNCTION signatures_confirm(number bigint, "values" jsonb, raised text[], rules jsonb) RETURNS text
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
