-- The newest decisions of one member of staff that can be undone: nobody has changed the state of those signatures since.
--
-- What one click decided has one time. Of a click that decided more than %(most)s signatures only so many are read.
WITH mine AS MATERIALIZED (
    SELECT id, at, action, signature_id
    FROM signatures_auditentry
    WHERE staff_id = %(staff_id)s
        AND at > %(since)s
        AND action = ANY (%(actions)s)
    ORDER BY at DESC, id DESC
    LIMIT %(most)s
)
SELECT at, action, min(id) AS first_entry, max(id) AS last_entry, count(*) AS number, min(signature_id) AS signature_id
FROM mine
WHERE NOT EXISTS (
    SELECT FROM signatures_auditentry AS later
    WHERE later.signature_id = mine.signature_id AND later.id > mine.id AND later.now <> ''
)
GROUP BY at, action
ORDER BY at DESC
LIMIT %(shown)s
