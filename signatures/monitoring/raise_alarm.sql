-- One statement, so that of two workers that find the same, one raises the alarm. `since` is now only if it is new.
INSERT INTO signatures_alarm AS alarm (code, sentence, since, until)
VALUES (%(code)s, %(sentence)s, %(now)s, %(until)s)
ON CONFLICT (code) DO UPDATE SET
    sentence = EXCLUDED.sentence,
    until = EXCLUDED.until,
    since = CASE WHEN alarm.until < %(over)s THEN EXCLUDED.since ELSE alarm.since END,
    seen_by = CASE WHEN alarm.until < %(over)s THEN NULL ELSE alarm.seen_by END,
    announced_to = CASE WHEN alarm.until < %(over)s THEN '{}' ELSE alarm.announced_to END
RETURNING since = %(now)s
