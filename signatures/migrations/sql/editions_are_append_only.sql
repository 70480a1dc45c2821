-- An edition of the files of a delivery stays, so that no honest copy is ever called forged. The record of an erasure
-- stays, too: without it a package with a blanked row is not whole.
CREATE FUNCTION signatures_edition_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'editions and erasures of a delivery stay as they are' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER editions_are_append_only BEFORE UPDATE OR DELETE ON signatures_deliveryedition
    FOR EACH ROW EXECUTE FUNCTION signatures_edition_is_append_only();
CREATE TRIGGER editions_are_never_truncated BEFORE TRUNCATE ON signatures_deliveryedition
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_edition_is_append_only();
CREATE TRIGGER erasures_are_append_only BEFORE UPDATE OR DELETE ON signatures_deliveryerasure
    FOR EACH ROW EXECUTE FUNCTION signatures_edition_is_append_only();
CREATE TRIGGER erasures_are_never_truncated BEFORE TRUNCATE ON signatures_deliveryerasure
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_edition_is_append_only();
