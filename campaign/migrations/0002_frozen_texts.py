from django.db import migrations

# Only the sign that a text is authoritative or the moment of publishing may still be set, and that while it is a draft.
FREEZE = """
CREATE FUNCTION campaign_published_text_is_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'published texts are frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'a published text is frozen' USING ERRCODE = 'integrity_constraint_violation';
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER published_text_is_frozen BEFORE UPDATE OR DELETE ON campaign_translation
    FOR EACH ROW EXECUTE FUNCTION campaign_published_text_is_frozen();
CREATE TRIGGER published_text_is_never_truncated BEFORE TRUNCATE ON campaign_translation
    FOR EACH STATEMENT EXECUTE FUNCTION campaign_published_text_is_frozen();
"""
THAW = """
DROP TRIGGER published_text_is_never_truncated ON campaign_translation;
DROP TRIGGER published_text_is_frozen ON campaign_translation;
DROP FUNCTION campaign_published_text_is_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("campaign", "0001_rows")]
    operations = [migrations.RunSQL(FREEZE, THAW)]
