-- The pieces of a search_text name by which a search finds it: all of one, two and three characters, and the country.
-- Three only in alphabets: of Hanzi, Kana and Hangul two are rare enough. Each piece begins with the number of the open
-- letter, so that the names under one do not slow a search under another.
CREATE FUNCTION signatures_grams(letter bigint, country text, search_text text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    signs text[] := string_to_array(search_text, NULL);
    last int := coalesce(cardinality(signs), 0);
    head text := letter || ':';
    grams text[] := ARRAY[letter || '=' || country];
BEGIN
    FOR i IN 1..last LOOP
        grams := grams || (head || signs[i]);
        IF i < last THEN
            grams := grams || (head || signs[i] || signs[i + 1]);
        END IF;
        IF i < last - 1 AND ascii(signs[i]) < 11904 THEN
            grams := grams || (head || signs[i] || signs[i + 1] || signs[i + 2]);
        END IF;
    END LOOP;
    RETURN grams;
END $$;
