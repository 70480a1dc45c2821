-- The key of a comment, by which variants of one text are equal; NULL without a letter. As `checks.text_key`, which it
-- agrees with, it ignores case, accents, numbers and punctuation: here as ranges, whatever the locale of the database.
-- Only the index of waiting signatures stores it.
CREATE FUNCTION signatures_comment_key(comment text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT hashtextextended(
        NULLIF(
            regexp_replace(
                lower(normalize(comment, NFKD)),
                '[\u0001-\u0040\u005B-\u0060\u007B-\u00BF\u0300-\u036F\u2000-\u20CF\u2100-\u2BFF\u3000-\u303F\uFE00-\uFE0F\U0001F000-\U0001FAFF]+',
                '',
                'g'
            ),
            ''
        ),
        0
    )
$$;
