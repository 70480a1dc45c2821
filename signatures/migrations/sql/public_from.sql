-- Whoever makes a signature public (action, bulk rule, COPY, raw SQL), its name enters at a step (threat model S38).
-- What was public before this rule stays so.
UPDATE signatures_countdelta SET counts_from = NULL;
UPDATE signatures_signature SET public_from = approved_on WHERE state = 'approved' AND visibility = 'public';

CREATE FUNCTION signatures_set_public_from() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.public_from := signatures_next_minute();
    RETURN NEW;
END $$;
CREATE TRIGGER public_from_on_insert BEFORE INSERT ON signatures_signature
    FOR EACH ROW WHEN (NEW.state = 'approved' AND NEW.visibility = 'public')
    EXECUTE FUNCTION signatures_set_public_from();
CREATE TRIGGER public_from_on_update BEFORE UPDATE OF state, visibility ON signatures_signature
    FOR EACH ROW WHEN (NEW.state = 'approved' AND NEW.visibility = 'public'
        AND (OLD.state, OLD.visibility) IS DISTINCT FROM (NEW.state, NEW.visibility))
    EXECUTE FUNCTION signatures_set_public_from();
