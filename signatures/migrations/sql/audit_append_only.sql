-- Entries of the trail and the seals over them are written once: never changed, deleted or truncated.
CREATE FUNCTION signatures_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the trail is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER trail_is_append_only BEFORE UPDATE OR DELETE ON signatures_auditentry
    FOR EACH ROW EXECUTE FUNCTION signatures_audit_is_append_only();
CREATE TRIGGER audit_log_is_never_truncated BEFORE TRUNCATE ON signatures_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_audit_is_append_only();

CREATE TRIGGER seals_are_append_only BEFORE UPDATE OR DELETE ON signatures_checkpoint
    FOR EACH ROW EXECUTE FUNCTION signatures_audit_is_append_only();
CREATE TRIGGER checkpoints_are_never_truncated BEFORE TRUNCATE ON signatures_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_audit_is_append_only();

-- The database alone gives an entry its number: one slipped in far ahead would make all that follow look slipped in.
ALTER TABLE signatures_auditentry ALTER COLUMN id SET GENERATED ALWAYS;
