-- The newest submission of an address becomes an unconfirmed signature again, unless the address has a signature.
UPDATE signatures_signature SET place = 1 WHERE state = 'withdrawn';
INSERT INTO signatures_signature (id, public_id, letter_id, translation_id, kind, name, role, organization, spokesperson,
    country, comment, visibility, language, sealed_address, address_hash, domains, network, marks, flags, signed_up_at,
    place, paper, state)
SELECT DISTINCT ON (letter_id, kind, address_hash) id, public_id, letter_id, translation_id, kind, name, role,
    organization, spokesperson, country, comment, visibility, language, sealed_address, address_hash, domains, network,
    marks, flags, signed_up_at, 1, FALSE, 'unconfirmed'
FROM signatures_submission AS submission
WHERE NOT EXISTS (
    SELECT FROM signatures_signature AS signature
    WHERE (signature.letter_id, signature.kind, signature.address_hash)
        = (submission.letter_id, submission.kind, submission.address_hash)
)
ORDER BY letter_id, kind, address_hash, id DESC;
UPDATE signatures_bulkrulechange SET state = 'unconfirmed' WHERE state = '';
DELETE FROM signatures_bulkrulechange WHERE signature_id NOT IN (SELECT id FROM signatures_signature);
DELETE FROM signatures_outboxmail WHERE signature_id NOT IN (SELECT id FROM signatures_signature);
UPDATE signatures_outboxmail SET kind = 'link' WHERE kind = 'links';
UPDATE signatures_emailsubject SET mail = 'already' WHERE mail = 'links';
DELETE FROM signatures_submission;
DELETE FROM signatures_tombstone AS older USING signatures_tombstone AS newer
WHERE (older.letter_id, older.kind, older.address_hash) = (newer.letter_id, newer.kind, newer.address_hash)
    AND older.id < newer.id;
