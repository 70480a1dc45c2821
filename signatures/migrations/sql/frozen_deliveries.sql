-- What a delivery holds never changes: its root and files from the moment it has a root, all else from the start.
-- Its state may move on, but not back from void; notes on the work and on the handing over may be written.
CREATE FUNCTION signatures_delivery_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.letter_id, NEW.number, NEW.frozen_at, NEW.frozen_by, NEW.reason, NEW."order", NEW.letterhead, NEW.texts,
            NEW.counts) IS NOT DISTINCT FROM (OLD.letter_id, OLD.number, OLD.frozen_at, OLD.frozen_by, OLD.reason,
            OLD."order", OLD.letterhead, OLD.texts, OLD.counts)
            AND (OLD.root = '' OR (NEW.root, NEW.files) IS NOT DISTINCT FROM (OLD.root, OLD.files))
            AND (OLD.state <> 'void' OR NEW.state = 'void')
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a delivery is frozen' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER delivery_is_frozen BEFORE UPDATE OR DELETE ON signatures_delivery
    FOR EACH ROW EXECUTE FUNCTION signatures_delivery_is_frozen();
CREATE TRIGGER delivery_is_never_truncated BEFORE TRUNCATE ON signatures_delivery
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_delivery_is_frozen();

-- Of a delivered row, only the words, the day and the salt may be taken away, all at once: what is left still proves
-- the root, and names nobody.
CREATE FUNCTION signatures_delivery_entry_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.name, NEW.role, NEW.organization, NEW.country) = ('', '', '', '')
            AND NEW.salt IS NULL AND NEW.signed_on IS NULL
            AND (NEW.id, NEW.delivery_id, NEW.place, NEW.number, NEW.signature_id, NEW.kind, NEW.language, NEW.revision,
                NEW.is_featured, NEW.on_paper, NEW.leaf) IS NOT DISTINCT FROM (OLD.id, OLD.delivery_id, OLD.place,
                OLD.number, OLD.signature_id, OLD.kind, OLD.language, OLD.revision, OLD.is_featured, OLD.on_paper,
                OLD.leaf)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what was delivered is frozen' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER delivery_entries_are_frozen BEFORE UPDATE OR DELETE ON signatures_deliveryentry
    FOR EACH ROW EXECUTE FUNCTION signatures_delivery_entry_is_frozen();
CREATE TRIGGER delivery_entries_are_never_truncated BEFORE TRUNCATE ON signatures_deliveryentry
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_delivery_entry_is_frozen();
