-- Every case takes the same statement and so the same time, which must not tell whether an address is known.
-- A new address inserts a row, an unconfirmed or withdrawn row takes the new values, any other row keeps its own.
-- Nothing happens unless the letter is open.
INSERT INTO signatures_signature (public_id, letter_id, kind, address_hash, paper, {columns})
SELECT gen_random_uuid(), id, %(kind)s, %(address_hash)s, FALSE, {values}
FROM campaign_letter WHERE id = %(letter_id)s AND state = 'open'
ON CONFLICT (letter_id, kind, address_hash) DO UPDATE SET {updates}
RETURNING id
