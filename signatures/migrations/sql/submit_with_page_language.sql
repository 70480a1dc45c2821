-- Takes the place of the function in submit_and_confirm.sql: the email is in the language of the page, not of the text.
--
-- Stores what was typed, with its email and its event for the statistics; or nothing. It reads no signature, and nothing
-- that is already there changes, but for the flags of the same words.
--
-- row: the columns of the submission. words: those of them by which the same is known again. mail: the columns of its
-- email. Returns whether the letter is open.
--
-- None is stored beyond the places of an address. The same again (a double click) is not stored twice: it only adds its
-- flags, and another email if the first one was sent. Every case takes about the same time, which must not tell whether
-- an address is known.
CREATE OR REPLACE FUNCTION signatures_submit("row" jsonb, words jsonb, mail jsonb, max_places int) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    -- The code before the column `page_language` sends none.
    typed signatures_submission := jsonb_populate_record(NULL::signatures_submission, '{"page_language": ""}' || "row");
    waiting signatures_submission;
    places int[];
    same signatures_submission;
    number bigint;
    is_flagged boolean := typed.flags <> '{}';
BEGIN
    -- The foreign key takes this lock anyway. Taken here, it makes who hides or deletes the letter wait, and see the row.
    PERFORM FROM campaign_letter WHERE id = typed.letter_id AND state = 'open' FOR KEY SHARE;
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
            mail ->> 'mailbox', coalesce(nullif("row" ->> 'page_language', ''), typed.language),
            (mail ->> 'recipient')::bytea, typed.signed_up_at, typed.signed_up_at, 0, '');
    END IF;
    RETURN TRUE;
END $$;
