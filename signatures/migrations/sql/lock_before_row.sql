-- The function of `submit_and_confirm.sql` locks the table before it makes a row of it. Else a column that a migration adds
-- in between is missing in that row, and the sign-up fails. A function that does so already stays as it is.
DO $$ DECLARE
    body text := pg_get_functiondef('signatures_submit(jsonb, jsonb, jsonb, integer)'::regprocedure);
    made text := substring(body FROM 'typed signatures_submission := ([^;]+);');
BEGIN
    IF made IS NULL THEN
        RETURN;
    END IF;
    body := replace(body, 'typed signatures_submission := ' || made || ';', 'typed signatures_submission;');
    body := replace(body, 'is_flagged boolean := typed.flags <> ''{}'';', 'is_flagged boolean;');
    EXECUTE replace(body, E'\nBEGIN\n', E'\nBEGIN\n    LOCK TABLE signatures_submission IN ROW EXCLUSIVE MODE;\n'
        '    typed := ' || made || E';\n    is_flagged := typed.flags <> ''{}'';\n');
END $$;
