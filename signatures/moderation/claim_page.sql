-- Claims a page of signatures for a member of staff. What a colleague has claimed meanwhile stays with that colleague. Who
-- leaves the page before has no claim on it any more.
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
), released AS (
    -- What has ended is left to `delete_expired`: a colleague may be claiming it at this moment.
    DELETE FROM signatures_pageclaim
    WHERE %(leaves)s
        AND staff_id = %(staff_id)s
        AND until > %(now)s
        AND signature_id NOT IN (SELECT id FROM page)
)
SELECT (SELECT count(*) FROM page) AS found, ARRAY(SELECT signature_id FROM claimed) AS claimed
