-- A letter that people signed, or have a link to confirm, or that was delivered, never becomes a draft, which is hidden from
-- them, and is never deleted.
CREATE FUNCTION signatures_letter_of_signers_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM campaign_letter WHERE id = OLD.id FOR UPDATE; -- waits for forms that are being stored
    IF EXISTS (SELECT FROM signatures_submission WHERE letter_id = OLD.id)
        OR EXISTS (SELECT FROM signatures_signature WHERE letter_id = OLD.id)
        OR EXISTS (SELECT FROM signatures_delivery WHERE letter_id = OLD.id)
    THEN
        RAISE EXCEPTION 'people have signed this letter' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER letter_of_signers_is_no_draft BEFORE UPDATE OF state ON campaign_letter
    FOR EACH ROW WHEN (NEW.state = 'draft' AND OLD.state <> 'draft')
    EXECUTE FUNCTION signatures_letter_of_signers_stays();
CREATE TRIGGER letter_of_signers_is_kept BEFORE DELETE ON campaign_letter
    FOR EACH ROW EXECUTE FUNCTION signatures_letter_of_signers_stays();
