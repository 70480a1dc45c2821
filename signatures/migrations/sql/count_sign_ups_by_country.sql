-- A submission is counted by country, too, in the statement that counts it. As in `count_by_country.sql`, '-' is for who
-- is not to be on the public list.
-- ..._before, ..._after: the columns and values of that count in the function, with their apostrophes doubled.
DO $$ DECLARE
    body text := pg_get_functiondef('signatures_submit(jsonb, jsonb, jsonb, integer)'::regprocedure);
BEGIN
    body := replace(body, '{columns_before}', '{columns_after}');
    EXECUTE replace(body, '{values_before}', '{values_after}');
END $$;
