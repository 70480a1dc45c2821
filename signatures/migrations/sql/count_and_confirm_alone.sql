-- Two statements that every signer pays for, as functions, so that PostgreSQL plans them once for each connection.

-- Counts one event in all its buckets. Returns for each its scope, whether it is over its limit, and whether this very
-- event exceeded it.
--
-- Sorted by key, so that two statements cannot deadlock, and exact: an event is within the limit if its own number is
-- (threat model F6). On its own (`is_durable` is false) it does not wait for the disk, because a lost bucket does no
-- harm. `untils`: when each span ends, in seconds since 1970.
CREATE FUNCTION signatures_count_event(
    keys bytea[], scopes text[], max_counts int[], untils bigint[], is_durable boolean
) RETURNS TABLE (scope varchar, is_over boolean, is_newly_over boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', CASE WHEN is_durable THEN 'on' ELSE 'off' END, TRUE);
    RETURN QUERY
        INSERT INTO signatures_ratebucket AS bucket (key, scope, count, max_count, until)
        SELECT key, scope, 1, max_count, to_timestamp(until)
        FROM unnest(keys, scopes, max_counts, untils) AS event (key, scope, max_count, until)
        ORDER BY key
        ON CONFLICT (key) DO UPDATE SET count = bucket.count + 1, max_count = EXCLUDED.max_count
        RETURNING scope, count > max_count, count = max_count + 1;
END $$;

-- Confirms a submission as `signatures_confirm` does, if its mailbox has signed nothing else as this kind that is not
-- withdrawn: that is nearly every one. Returns 'shared' otherwise, and changes nothing.
--
-- lock and key: of the advisory lock on the mailbox. What is looked at is read after it is held.
CREATE FUNCTION signatures_confirm_alone(
    number bigint, "values" jsonb, raised text[], rules jsonb, lock int, key int
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock, key);
    PERFORM FROM signatures_submission AS typed JOIN signatures_signature AS other USING (letter_id, address_hash)
        WHERE typed.id = number AND other.id <> number
        AND other.kind = "values" ->> 'kind' AND other.state <> 'withdrawn';
    IF FOUND THEN
        RETURN 'shared';
    END IF;
    RETURN signatures_confirm(number, "values", raised, rules);
END $$;
