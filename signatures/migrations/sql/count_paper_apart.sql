-- What is imported from paper is an event of its own: thousands of lines at once are no rise of sign-ups.
-- {before}, {after}: the event in the function, with its apostrophes doubled.
DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('signatures_count_deltas()'::regprocedure), '{before}', '{after}');
END $$;
