-- Claims a page of signatures for a member of staff. What a colleague has claimed meanwhile stays with that colleague.
-- The pages that the same person opened before stay claimed, too: they may be open in another window. Of more than
-- `most` signatures the pages whose claims end first are given back.
--
-- With `is_alone` the page is that of one signature. If the person has it on a page of the queue already, it stays with
-- that page, whose claims last until `until` if they end before `renew_before`.
--
-- The part in braces is a SELECT ... FOR NO KEY UPDATE SKIP LOCKED: of two who ask at once each locks other rows. Who
-- comes after the lock and before the claim is visible meets the primary key.
WITH page (id) AS MATERIALIZED (
    {page}
), own AS (
    SELECT until
    FROM signatures_pageclaim
    WHERE %(is_alone)s
        AND staff_id = %(staff_id)s
        AND until > %(now)s
        AND signature_id IN (SELECT id FROM page)
), renewed AS (
    UPDATE signatures_pageclaim
    SET until = %(until)s
    WHERE staff_id = %(staff_id)s
        AND until IN (SELECT until FROM own WHERE until < %(renew_before)s)
), claimed AS (
    INSERT INTO signatures_pageclaim AS claim (signature_id, staff_id, until)
    SELECT id, %(staff_id)s, %(until)s
    FROM page
    WHERE NOT EXISTS (SELECT FROM own)
    ON CONFLICT (signature_id) DO UPDATE
        SET staff_id = EXCLUDED.staff_id, until = EXCLUDED.until
        WHERE claim.staff_id = EXCLUDED.staff_id OR claim.until <= %(now)s
    RETURNING signature_id
), former AS (
    -- The claims of one page end at one moment. What has ended is left to `delete_expired`: a colleague may be claiming
    -- it at this moment.
    SELECT until, sum(count(*)) OVER (ORDER BY until DESC) AS number
    FROM signatures_pageclaim
    WHERE staff_id = %(staff_id)s
        AND until > %(now)s
        AND signature_id NOT IN (SELECT id FROM page)
    GROUP BY until
), released AS (
    DELETE FROM signatures_pageclaim
    WHERE staff_id = %(staff_id)s
        AND signature_id NOT IN (SELECT id FROM page)
        AND until IN (SELECT until FROM former WHERE number + (SELECT count(*) FROM page) > %(most)s)
)
SELECT
    (SELECT count(*) FROM page) AS found,
    ARRAY(SELECT signature_id FROM claimed) AS claimed,
    EXISTS (SELECT FROM own) AS is_own,
    COALESCE((SELECT max(id) FROM signatures_auditentry), 0) AS as_of
