-- The email of a submission has the key of its address, too. The code before sends none.
-- ..._before, ..._after: the columns and values of that email in the function, with their apostrophes doubled.
DO $$ DECLARE
    body text := pg_get_functiondef('signatures_submit(jsonb, jsonb, jsonb, integer)'::regprocedure);
BEGIN
    body := replace(body, '{columns_before}', '{columns_after}');
    EXECUTE replace(body, '{values_before}', '{values_after}');
END $$;
