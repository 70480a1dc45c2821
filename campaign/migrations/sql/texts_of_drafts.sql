-- A published text never changes. Within half an hour it may be taken back: that leaves its words as they are, and says
-- that readers do not see them. It is deleted with its letter alone, and only while the letter is a draft: a letter that
-- people signed never becomes one (signatures, letters_of_signers.sql). While a text is a draft, everything may be set,
-- its moment of publishing included.
CREATE OR REPLACE FUNCTION campaign_published_text_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'published texts are frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF OLD.published_at IS NOT NULL THEN
        IF TG_OP = 'UPDATE' THEN
            IF OLD.taken_back_at IS NULL AND NEW.taken_back_at IS NOT NULL
                AND OLD.published_at > now() - interval '31 minutes'
                AND to_jsonb(NEW) - 'taken_back_at' = to_jsonb(OLD) - 'taken_back_at'
            THEN
                RETURN NEW;
            END IF;
        ELSIF EXISTS (
            SELECT FROM campaign_revision JOIN campaign_letter ON campaign_letter.id = letter_id
            WHERE campaign_revision.id = OLD.revision_id AND state = 'draft'
        ) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'a published text is frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
