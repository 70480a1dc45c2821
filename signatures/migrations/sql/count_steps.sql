-- Public counts and lists change in steps of whole minutes (threat model S38). What is written now may be public from
-- this minute: ten seconds or more ahead, so that it is committed before the step and no step changes afterwards.
-- All rows of one statement have the same minute, so that a name and its number enter together.
CREATE FUNCTION signatures_next_minute() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT date_trunc('minute', statement_timestamp() + interval '70 seconds')
$$;
