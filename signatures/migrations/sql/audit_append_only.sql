-- Audit entries and checkpoints are written once: they are never changed, deleted or truncated.
CREATE FUNCTION signatures_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_entries_are_append_only BEFORE UPDATE OR DELETE ON signatures_auditentry
    FOR EACH ROW EXECUTE FUNCTION signatures_audit_is_append_only();
CREATE TRIGGER audit_entries_are_never_truncated BEFORE TRUNCATE ON signatures_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_audit_is_append_only();

CREATE TRIGGER checkpoints_are_append_only BEFORE UPDATE OR DELETE ON signatures_checkpoint
    FOR EACH ROW EXECUTE FUNCTION signatures_audit_is_append_only();
CREATE TRIGGER checkpoints_are_never_truncated BEFORE TRUNCATE ON signatures_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION signatures_audit_is_append_only();

-- Only the database chooses the number of an entry: one inserted far ahead would make all later ones look inserted.
ALTER TABLE signatures_auditentry ALTER COLUMN id SET GENERATED ALWAYS;
