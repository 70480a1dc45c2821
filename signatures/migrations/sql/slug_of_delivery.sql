-- A delivery is named by the slug that its letter had when it was frozen, whatever the letter's address is later: its
-- package, manifest and receipts have that name in them.
CREATE FUNCTION signatures_delivery_keeps_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.slug := (SELECT slug FROM campaign_letter WHERE id = NEW.letter_id);
    ELSIF OLD.slug <> '' AND NEW.slug <> OLD.slug THEN
        RAISE EXCEPTION 'a delivery is frozen' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER delivery_keeps_slug BEFORE INSERT OR UPDATE OF slug ON signatures_delivery
    FOR EACH ROW EXECUTE FUNCTION signatures_delivery_keeps_slug();

-- At once, because there are a few rows, each by the hand of an officer.
DO $$ BEGIN
    UPDATE signatures_delivery SET slug = (SELECT slug FROM campaign_letter WHERE campaign_letter.id = letter_id);
END $$;
