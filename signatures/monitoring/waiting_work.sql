-- What waits for staff beside the review queue: how much, and since when. All are small tables.
SELECT failed, failed_since, ready, ready_since, unanswered, unanswered_since, drafts, news, news_since, resets,
    resets_since, requests, requests_since, invited, invited_since, previews, previews_since
FROM (
    SELECT count(*) FILTER (WHERE state = 'frozen' AND failure <> '') AS failed,
        min(frozen_at) FILTER (WHERE state = 'frozen' AND failure <> '') AS failed_since,
        count(*) FILTER (WHERE state = 'ready') AS ready, min(frozen_at) FILTER (WHERE state = 'ready') AS ready_since,
        count(*) FILTER (WHERE state = 'handed-over') AS unanswered,
        min(handed_over_on) FILTER (WHERE state = 'handed-over')::timestamp AT TIME ZONE 'UTC' AS unanswered_since
    FROM signatures_delivery
) deliveries, (
    SELECT count(*) AS drafts FROM campaign_translation WHERE published_at IS NULL
) texts, (
    SELECT count(*) AS news, min(created_at) AS news_since FROM campaign_news WHERE published_at IS NULL
) news, (
    SELECT count(*) AS resets, min(asked_at) AS resets_since FROM signatures_factorreset
    WHERE asked_at > %(asked_after)s AND %(staff_id)s NOT IN (asked_by, account_id)
) resets, (
    SELECT count(*) AS requests, min(asked_at) AS requests_since FROM signatures_signerrequest
    WHERE state = 'open' AND staff_id <> %(staff_id)s
) requests, (
    SELECT count(*) AS invited, min(date_joined) AS invited_since FROM auth_user
    WHERE is_active AND is_staff AND starts_with(password, %(no_password)s)
) accounts, (
    SELECT count(*) AS previews, min(at) AS previews_since FROM signatures_paperimport
    WHERE step = 'preview' AND expires_at > %(now)s AND staff_id = %(staff_id)s
) papers
