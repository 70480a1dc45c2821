-- A published text never changes and is never deleted. While it is a draft, everything may be set, its moment of
-- publishing included.
CREATE FUNCTION campaign_published_text_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'published texts are frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'a published text is frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER published_text_is_frozen BEFORE UPDATE OR DELETE ON campaign_translation
    FOR EACH ROW EXECUTE FUNCTION campaign_published_text_is_frozen();
CREATE TRIGGER published_text_is_never_truncated BEFORE TRUNCATE ON campaign_translation
    FOR EACH STATEMENT EXECUTE FUNCTION campaign_published_text_is_frozen();
