-- No delivery keeps the words of somebody whose signature is deleted: whoever deletes one blanks its entries first.
--
-- 720130519 is AdvisoryLock.DELETE_SIGNATURES. A delivery that is being frozen cannot be seen here; it is committed after
-- this transaction, because it takes the same lock alone, and then looks who is gone.
CREATE FUNCTION signatures_words_go_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(720130519, 0);
    IF EXISTS (SELECT FROM signatures_deliveryentry WHERE signature_id = OLD.id AND salt IS NOT NULL) THEN
        RAISE EXCEPTION 'a delivery has the words of this signature' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER words_go_first BEFORE DELETE ON signatures_signature
    FOR EACH ROW EXECUTE FUNCTION signatures_words_go_first();
