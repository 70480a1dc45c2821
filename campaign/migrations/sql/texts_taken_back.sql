-- A published text never changes and is never deleted. Within half an hour it may be taken back: that leaves its words
-- as they are, and says that readers do not see them. While it is a draft, everything may be set, its moment of
-- publishing included.
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
        END IF;
        RAISE EXCEPTION 'a published text is frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
