-- Makes the entries of a delivery, with salts and leaves, in one statement: a million take seconds.
-- The placeholder in FROM is the query of the signatures: id, number in the list, day and source (all NULL if counted
-- only).
--
-- A leaf is SHA-256(0x00 || salt || the CSV row as a JSON list of texts, before the formula guard), and for somebody
-- counted only the word "counted" in place of the row (docs, reference: package). PostgreSQL and RFC 8785 write such a
-- list alike; a test holds them to it.
INSERT INTO signatures_deliveryentry (delivery_id, place, number, signature_id, kind, name, role, organization,
    country, signed_on, language, revision, source, visibility, is_featured, salt, leaf)
SELECT %(delivery)s, row_number() OVER (ORDER BY number NULLS LAST, salt) - 1, number, id, kind, name, role,
    organization, country, signed_on, language, revision, source, visibility, is_featured, salt,
    sha256('\x00'::bytea || salt || convert_to(
        CASE WHEN number IS NULL THEN 'counted' ELSE '[' || concat_ws(',',
            to_json(number::text), to_json(kind), to_json(name), to_json(role), to_json(organization),
            to_json(country), to_json(coalesce(signed_on::text, '')), to_json(language), to_json(revision::text),
            to_json(source)
        ) || ']' END, 'UTF8'))
FROM (
    SELECT signature.id, numbered.number, signature.kind, signature.name, signature.role, signature.organization,
        signature.visibility,
        translation.language,  -- of the text, which the statement names: that of an old signature is of its page
        CASE WHEN numbered.number IS NULL THEN '' ELSE signature.country END AS country,
        numbered.signed_on, coalesce(numbered.source, '') AS source,
        revision.number AS revision, signature.featured_position IS NOT NULL AS is_featured,
        sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS salt
    FROM ({numbered}) AS numbered (id, number, signed_on, source)
    JOIN signatures_signature signature ON signature.id = numbered.id
    JOIN campaign_translation translation ON translation.id = signature.translation_id
    JOIN campaign_revision revision ON revision.id = translation.revision_id
) AS salted
