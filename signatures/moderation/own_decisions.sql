-- The newest decisions of one member of staff that can be undone: nobody has changed the state of those signatures since.
--
-- What one click decided has one time. The last %(most)s entries are read, and of a click that they cut off its first
-- entry, and how many it has. (Counted with it, so that no plan looks for the first entry along the primary key.)
--
-- There is always a row: it tells first whether a decision about many signatures was undone by a task.
WITH mine AS MATERIALIZED (
    SELECT id, at, action, signature_id
    FROM signatures_auditentry
    WHERE staff_id = %(staff_id)s
        AND at > %(since)s
        AND action = ANY (%(actions)s)
    ORDER BY at DESC, id DESC
    LIMIT %(most)s
), clicks AS MATERIALIZED (
    SELECT
        at,
        action,
        min(id) AS first_entry,
        max(id) AS last_entry,
        count(*) FILTER (WHERE stands) AS number,
        min(signature_id) FILTER (WHERE stands) AS signature_id,
        at = (SELECT min(at) FROM mine) AND (SELECT count(*) FROM mine) = %(most)s AS is_cut
    FROM (
        SELECT mine.*, NOT EXISTS (
            SELECT FROM signatures_auditentry AS later
            WHERE later.signature_id = mine.signature_id AND later.id > mine.id AND later.now <> ''
        ) AS stands
        FROM mine
    ) AS entries
    GROUP BY at, action
), decisions AS (
    SELECT
        at,
        action,
        LEAST(clicks.first_entry, whole.first_entry) AS first_entry,
        last_entry,
        GREATEST(clicks.number, whole.number) AS number,
        signature_id
    FROM clicks
    CROSS JOIN LATERAL (
        SELECT min(entry.id) AS first_entry, count(*) AS number
        FROM signatures_auditentry AS entry
        WHERE clicks.is_cut AND entry.staff_id = %(staff_id)s AND entry.at = clicks.at AND entry.action = clicks.action
    ) AS whole
    WHERE clicks.number > 0
    ORDER BY at DESC
    LIMIT %(shown)s
)
SELECT is_being_undone.yes, decisions.*
FROM (
    SELECT EXISTS (
        SELECT FROM signatures_auditentry
        WHERE staff_id = %(staff_id)s AND at > %(since)s AND action = %(started)s
    ) AS yes
) AS is_being_undone
LEFT JOIN decisions ON TRUE
ORDER BY decisions.at DESC
