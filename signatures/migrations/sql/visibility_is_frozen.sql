-- Of a delivered row, only the words, the day and the salt may be taken away, all at once: what is left still proves
-- the root, and names nobody. The column `on_paper` is that of version 0.9.
CREATE OR REPLACE FUNCTION signatures_delivery_entry_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.name, NEW.role, NEW.organization, NEW.country) = ('', '', '', '')
            AND NEW.salt IS NULL AND NEW.signed_on IS NULL
            AND (NEW.id, NEW.delivery_id, NEW.place, NEW.number, NEW.signature_id, NEW.kind, NEW.language, NEW.revision,
                NEW.is_featured, NEW.on_paper, NEW.source, NEW.visibility, NEW.leaf) IS NOT DISTINCT FROM (OLD.id,
                OLD.delivery_id, OLD.place, OLD.number, OLD.signature_id, OLD.kind, OLD.language, OLD.revision,
                OLD.is_featured, OLD.on_paper, OLD.source, OLD.visibility, OLD.leaf)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what was delivered is frozen' USING ERRCODE = 'integrity_constraint_violation';
END $$;
