-- Whoever decides, withdraws or changes a signature (action, bulk rule, COPY, raw SQL), the address that was kept for a
-- question of staff goes with the wait.
CREATE FUNCTION signatures_drop_question_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.question_address := NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER question_address_while_waiting BEFORE INSERT OR UPDATE OF state, question_address ON signatures_signature
    FOR EACH ROW WHEN (NEW.state <> 'waiting' AND NEW.question_address IS NOT NULL)
    EXECUTE FUNCTION signatures_drop_question_address();
