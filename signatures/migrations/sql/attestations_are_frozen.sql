-- What others attest of a statement is written once.
CREATE FUNCTION signatures_attestation_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.time_stamp IS NOT NULL AND NEW.time_stamp IS DISTINCT FROM OLD.time_stamp)
        OR (OLD.countersignature <> '' AND (NEW.countersignature, NEW.auditor_key)
            IS DISTINCT FROM (OLD.countersignature, OLD.auditor_key))
    THEN
        RAISE EXCEPTION 'an attestation of a delivery stays as it is' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attestation_stays BEFORE UPDATE ON signatures_delivery
    FOR EACH ROW EXECUTE FUNCTION signatures_attestation_stays();
