-- Every slug that a letter has or had is a row of campaign_letterslug. Its primary key refuses a slug that another letter
-- has or had, whoever writes it. What was a draft's alone, nobody outside has seen: it is given free.
CREATE FUNCTION campaign_letter_takes_its_slug() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.state = 'draft' AND OLD.slug <> NEW.slug THEN
            DELETE FROM campaign_letterslug WHERE slug = OLD.slug AND letter_id = OLD.id;
        END IF;
    END IF;
    INSERT INTO campaign_letterslug (slug, letter_id) VALUES (NEW.slug, NEW.id) ON CONFLICT DO NOTHING;
    IF NOT EXISTS (SELECT FROM campaign_letterslug WHERE slug = NEW.slug AND letter_id = NEW.id) THEN
        RAISE EXCEPTION 'another letter has or had this slug' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER letter_takes_its_slug AFTER INSERT OR UPDATE OF slug ON campaign_letter
    FOR EACH ROW EXECUTE FUNCTION campaign_letter_takes_its_slug();

INSERT INTO campaign_letterslug (slug, letter_id) SELECT slug, id FROM campaign_letter;
