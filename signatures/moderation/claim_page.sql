-- Claims a page of signatures for a member of staff. What a colleague has claimed meanwhile stays with that colleague.
--
-- The part in braces is a SELECT ... FOR NO KEY UPDATE SKIP LOCKED: of two who ask at once each locks other rows. Who
-- comes after the lock and before the claim is visible meets the primary key.
WITH page (id) AS MATERIALIZED (
    {page}
), claimed AS (
    INSERT INTO signatures_pageclaim AS claim (signature_id, staff_id, until)
    SELECT id, %(staff_id)s, %(until)s
    FROM page
    ON CONFLICT (signature_id) DO UPDATE
        SET staff_id = EXCLUDED.staff_id, until = EXCLUDED.until
        WHERE claim.staff_id = EXCLUDED.staff_id OR claim.until <= %(now)s
    RETURNING signature_id
)
SELECT (SELECT count(*) FROM page) AS found, ARRAY(SELECT signature_id FROM claimed) AS claimed
