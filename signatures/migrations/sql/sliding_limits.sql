-- Counts one event in all its buckets. Returns for each its scope, whether it is over its limit, and whether it is the
-- first of this span that is.
--
-- The time of a limit slides with the clock. A bucket holds the events of one span, and of those within the limit how
-- many came in each part of it, and when the last of them came. An event is over the limit if those within the limit
-- of this span, and those of the span before whose part has not expired, reach it already. A part expires when its last
-- event is as old as a span is long. So no time of that length has more events within the limit than the limit,
-- whenever it begins, and no event counts for longer than that and the length of a part. What is over the limit does
-- not count against it: who goes on trying is not kept out by that.
--
-- Sorted by key, so that two statements cannot deadlock, and exact within a span: an event is within the limit if its
-- own number is (threat model F6). Statements that run at the very moment at which a span begins may not see each
-- other. On its own (`is_durable` is false) it does not wait for the disk, because a lost bucket does no harm.
--
-- at: the time of the event, in seconds since 1970.
-- former_keys: of the buckets of the span before.
-- part: the length of a part, in spans.
CREATE FUNCTION signatures_count_event(
    at double precision, keys bytea[], former_keys bytea[], scopes text[], max_counts int[], seconds int[],
    part double precision, is_durable boolean
) RETURNS TABLE (scope varchar, is_over boolean, is_newly_over boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM set_config('synchronous_commit', CASE WHEN is_durable THEN 'on' ELSE 'off' END, TRUE);
    RETURN QUERY
        WITH event AS MATERIALIZED (
            SELECT given.*, COALESCE((
                SELECT CASE WHEN part_last > at - seconds THEN part_count ELSE 0 END
                    + CASE WHEN past_lasts = '{}' THEN 0 ELSE (
                        SELECT COALESCE(sum(number), 0)::int FROM unnest(past_counts, past_lasts) AS past (number, last)
                        WHERE last > at - seconds
                    ) END
                FROM signatures_ratebucket AS former WHERE former.key = given.former_key
            ), 0) AS former_count
            FROM unnest(keys, former_keys, scopes, max_counts, seconds)
                AS given (key, former_key, scope, max_count, seconds)
        )
        INSERT INTO signatures_ratebucket AS bucket (
            key, scope, count, max_count, until, span_end, former_key, former_count, is_over, over_count,
            part_until, part_count, part_last
        )
        SELECT key, scope, 1, max_count, to_timestamp(at + seconds), to_timestamp((floor(at / seconds) + 1) * seconds),
            CASE WHEN former_count > 0 THEN former_key END, former_count,
            former_count >= max_count, (former_count >= max_count)::int,
            at + seconds * part, (former_count < max_count)::int, at
        FROM event ORDER BY key
        ON CONFLICT (key) DO UPDATE SET
            count = bucket.count + 1,
            max_count = EXCLUDED.max_count,
            until = GREATEST(bucket.until, EXCLUDED.until),
            former_key = EXCLUDED.former_key,
            former_count = EXCLUDED.former_count,
            is_over = bucket.count - bucket.over_count + EXCLUDED.former_count >= EXCLUDED.max_count,
            over_count = bucket.over_count
                + (bucket.count - bucket.over_count + EXCLUDED.former_count >= EXCLUDED.max_count)::int,
            part_until = CASE WHEN at < bucket.part_until THEN bucket.part_until ELSE EXCLUDED.part_until END,
            part_count = CASE WHEN at < bucket.part_until THEN bucket.part_count ELSE 0 END
                + (bucket.count - bucket.over_count + EXCLUDED.former_count < EXCLUDED.max_count)::int,
            part_last = CASE WHEN bucket.count - bucket.over_count + EXCLUDED.former_count < EXCLUDED.max_count
                THEN GREATEST(bucket.part_last, at) ELSE bucket.part_last END,
            past_counts = CASE WHEN at < bucket.part_until THEN bucket.past_counts
                ELSE bucket.past_counts || bucket.part_count END,
            past_lasts = CASE WHEN at < bucket.part_until THEN bucket.past_lasts
                ELSE bucket.past_lasts || bucket.part_last END
        RETURNING scope, is_over, is_over AND over_count = 1;
END $$;
