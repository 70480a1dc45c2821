-- Takes the place of the function in slugs_of_letters.sql. A slug is given free when it is changed only if no text of the
-- letter was ever public, whatever the state of the letter is now.
CREATE OR REPLACE FUNCTION campaign_letter_takes_its_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.slug <> NEW.slug AND OLD.state = 'draft' AND NOT EXISTS (
        SELECT FROM campaign_translation JOIN campaign_revision ON campaign_revision.id = revision_id
        WHERE letter_id = OLD.id AND published_at IS NOT NULL
    ) THEN
        DELETE FROM campaign_letterslug WHERE slug = OLD.slug AND letter_id = OLD.id;
    END IF;
    INSERT INTO campaign_letterslug (slug, letter_id) VALUES (NEW.slug, NEW.id) ON CONFLICT DO NOTHING;
    IF NOT EXISTS (SELECT FROM campaign_letterslug WHERE slug = NEW.slug AND letter_id = NEW.id) THEN
        RAISE EXCEPTION 'another letter has or had this slug' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$;
