-- Unconfirmed signatures become submissions, with their numbers and public ids, so that their links work as before.
-- Who had withdrawn without ever confirming has no words and no signature: nothing is left of that.
INSERT INTO signatures_submission (id, public_id, letter_id, translation_id, kind, name, role, organization, spokesperson,
    country, comment, visibility, language, sealed_address, address_hash, domains, network, marks, flags, signed_up_at, place)
SELECT id, public_id, letter_id, translation_id, kind, CASE WHEN named THEN name ELSE '' END,
    CASE WHEN named THEN role ELSE '' END, CASE WHEN named THEN organization ELSE '' END,
    CASE WHEN named THEN spokesperson ELSE '' END, country, CASE WHEN named THEN comment ELSE '' END,
    visibility, language, sealed_address, address_hash, domains, network, marks, flags, signed_up_at, number
FROM (
    SELECT *, visibility <> 'counted' AS named,
        row_number() OVER (PARTITION BY letter_id, address_hash ORDER BY id) AS number
    FROM signatures_signature WHERE state = 'unconfirmed'
) AS unconfirmed;

UPDATE signatures_bulkrulechange SET state = '' WHERE state = 'unconfirmed';
DELETE FROM signatures_bulkrulechange WHERE signature_id IN (
    SELECT id FROM signatures_signature WHERE state = 'withdrawn' AND confirmed_at IS NULL
);
DELETE FROM signatures_outboxmail WHERE signature_id IN (
    SELECT id FROM signatures_signature WHERE state = 'withdrawn' AND confirmed_at IS NULL
);
DELETE FROM signatures_signature WHERE state = 'unconfirmed' OR state = 'withdrawn' AND confirmed_at IS NULL;
UPDATE signatures_signature SET place = NULL WHERE state = 'withdrawn';
UPDATE signatures_outboxmail SET priority = CASE
    WHEN staff_id IS NOT NULL THEN 0 WHEN kind = 'question' THEN 1 WHEN kind = 'reminder' THEN 4
    WHEN kind = 'update' THEN 5 ELSE 2
END WHERE recipient IS NOT NULL;
UPDATE signatures_emailsubject SET mail = 'links' WHERE mail = 'already';
