-- How often what was decided about the signatures of a letter: by the week of the decision, by the language of the text
-- that was signed, and by the country of a name that is public. An erased signature has neither language nor country.
SELECT
    entry.action,
    entry.staff_id IS NOT NULL AS is_person,
    date_trunc('week', entry.at, 'UTC') AS week,
    signature.language,
    CASE WHEN signature.visibility = 'public' THEN signature.country ELSE %(not_public)s END AS country,
    count(*) AS number
FROM signatures_auditentry AS entry
LEFT JOIN signatures_signature AS signature ON signature.id = entry.signature_id
WHERE entry.letter_id = %(letter_id)s AND entry.at <= %(until)s AND entry.action = ANY (%(actions)s)
GROUP BY 1, 2, 3, 4, 5
