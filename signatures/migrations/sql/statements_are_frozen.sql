-- What a delivery holds never changes: root, statement and signature from the moment it has a root, how it was counted
-- from the moment that is counted, all else from the start. Its state may move on, but not back from void; notes on the
-- work and on the handing over may be written.
CREATE OR REPLACE FUNCTION signatures_delivery_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.letter_id, NEW.number, NEW.frozen_at, NEW.frozen_by, NEW.reason, NEW."order", NEW.letterhead, NEW.texts,
            NEW.counts, NEW.format) IS NOT DISTINCT FROM (OLD.letter_id, OLD.number, OLD.frozen_at, OLD.frozen_by,
            OLD.reason, OLD."order", OLD.letterhead, OLD.texts, OLD.counts, OLD.format)
            AND (OLD.method = '{}' OR NEW.method = OLD.method)
            AND (OLD.root = '' OR (NEW.root, NEW.files, NEW.statement, NEW.statement_sha256, NEW.signature)
                IS NOT DISTINCT FROM (OLD.root, OLD.files, OLD.statement, OLD.statement_sha256, OLD.signature))
            AND (OLD.state <> 'void' OR NEW.state = 'void')
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a delivery is frozen' USING ERRCODE = 'integrity_constraint_violation';
END $$;
