-- What the review queue says above its rows, in one statement: how many are put aside, what colleagues
-- have open, and whether this moderator gets the daily email.
SELECT 'as_of' AS what, '' AS name, COALESCE(max(id), 0) AS number, NULL::timestamptz AS until
FROM signatures_auditentry
UNION ALL
SELECT 'flag', flag, count(signature.id), NULL
FROM unnest(%(put_aside)s) AS flag
LEFT JOIN signatures_signature AS signature
    ON signature.state = 'waiting'
    AND signature.flags && ARRAY['hold', 'asked']::varchar(20)[]
    AND flag = ANY (signature.flags)
GROUP BY flag
UNION ALL
SELECT 'mail', '', count(*), NULL
FROM signatures_queuemail
WHERE staff_id = %(staff_id)s
UNION ALL
SELECT 'page', person.username, count(*), max(claim.until)
FROM signatures_pageclaim AS claim
JOIN auth_user AS person ON person.id = claim.staff_id
JOIN signatures_signature AS signature ON signature.id = claim.signature_id
WHERE claim.until > %(now)s
    AND claim.staff_id <> %(staff_id)s
    AND signature.state = 'waiting'
    AND NOT signature.flags && %(put_aside)s::varchar(20)[]
GROUP BY person.username
ORDER BY name
