-- Whoever changes the words of a signature, or deletes it (action, bulk rule, raw SQL), the words that a correction by
-- staff keeps for its signer go: nothing of a signer outlives what the signer chose.
CREATE FUNCTION signatures_drop_former_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE signatures_signerrequest SET words = NULL WHERE signature_id = OLD.id AND words IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER former_words_on_change AFTER UPDATE OF name, role, organization, spokesperson ON signatures_signature
    FOR EACH ROW WHEN ((OLD.name, OLD.role, OLD.organization, OLD.spokesperson)
        IS DISTINCT FROM (NEW.name, NEW.role, NEW.organization, NEW.spokesperson))
    EXECUTE FUNCTION signatures_drop_former_words();
CREATE TRIGGER former_words_on_delete AFTER DELETE ON signatures_signature
    FOR EACH ROW EXECUTE FUNCTION signatures_drop_former_words();
