-- Stores what was typed, with its email and its event for the statistics; or nothing. Every case takes this statement
-- alone, and so the same time, which must not tell whether an address is known. It reads no signature.
--
-- Nothing is stored unless the letter is open, and none beyond the places of an address. The same again (a double click)
-- is not stored twice: it only adds its flags, and another email if the first one was sent.
WITH opened AS (
    SELECT id FROM campaign_letter WHERE id = %(letter_id)s AND state = 'open'
), waiting AS (
    SELECT id, place, ({columns}) = ({values})
        AND sealed_address IS NULL = (%(sealed_address)s IS NULL) AS is_same
    FROM signatures_submission WHERE letter_id = %(letter_id)s AND address_hash = %(address_hash)s
), place AS (
    SELECT min(place) AS free FROM generate_series(1, %(max_places)s) AS place
    WHERE place NOT IN (SELECT waiting.place FROM waiting) AND NOT EXISTS (SELECT FROM waiting WHERE is_same)
), stored AS (
    INSERT INTO signatures_submission (public_id, letter_id, address_hash, mailbox, place, domains, network, marks, flags,
        sealed_address, signed_up_at, {columns})
    SELECT gen_random_uuid(), opened.id, %(address_hash)s, %(mailbox)s, place.free, %(domains)s::varchar(16)[],
        %(network)s, %(marks)s::varchar(16)[], %(flags)s::varchar(20)[], %(sealed_address)s, %(now)s, {values}
    FROM opened, place WHERE place.free IS NOT NULL
    ON CONFLICT (letter_id, address_hash, place) DO NOTHING
    RETURNING id
), flagged AS (
    UPDATE signatures_submission AS submission SET flags = ARRAY(
        SELECT DISTINCT flag FROM unnest(submission.flags || %(flags)s::varchar(20)[]) AS flag ORDER BY flag
    )
    FROM waiting WHERE submission.id = waiting.id AND is_same AND NOT submission.flags @> %(flags)s::varchar(20)[]
), mail AS (
    INSERT INTO signatures_outboxmail (signature_id, kind, priority, mailbox, language, recipient, queued_at, due_at,
        attempts, failure)
    SELECT id, 'link', %(priority)s, %(mailbox)s, %(language)s, %(recipient)s, %(now)s, %(now)s, 0, ''
    FROM (
        SELECT id FROM stored
        UNION ALL
        SELECT waiting.id FROM opened, waiting WHERE is_same AND NOT EXISTS (
            SELECT FROM signatures_outboxmail AS unsent
            WHERE unsent.signature_id = waiting.id AND unsent.kind = 'link' AND unsent.recipient IS NOT NULL
        )
    ) AS addressee
), event AS (
    INSERT INTO signatures_countdelta (letter_id, state, visibility, flagged, number, hour, language, event)
    SELECT %(letter_id)s, '', %(visibility)s, FALSE, 1, date_trunc('hour', %(now)s, 'UTC'), %(language)s, 'sign-up'
    FROM stored
)
SELECT EXISTS (SELECT FROM opened), (SELECT free FROM place) IS NULL OR EXISTS (SELECT FROM stored)
