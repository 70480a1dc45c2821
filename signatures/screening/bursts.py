"""A flood is seen only once it has begun: those of it that came before anybody could see it are flagged afterwards."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from signatures.registries import AuditAction, Flag
from signatures.screening import rate_limits

SPAN = timedelta(hours=25)  # no bucket lasts longer than a day, and the worker asks each minute

# One statement for any number. What stands by rule goes back to the queue; what a person decided stays decided.
_FLAG = """
    WITH over AS MATERIALIZED (
        SELECT encode(substring(key FROM 1 FOR 8), 'hex') AS mark
        FROM signatures_ratebucket WHERE of = ANY (%(of)s) AND n > most
    ), chosen AS MATERIALIZED (
        SELECT id, letter_id, state, approved_on FROM signatures_signature AS signature
        WHERE id IN (
                SELECT recent.id FROM signatures_signature AS recent, unnest(recent.marks) AS mark
                WHERE recent.signed_up_at > %(since)s AND mark IN (SELECT over.mark FROM over)
            )
            AND NOT %(burst)s = ANY (flags)
            AND (state IN ('unconfirmed', 'waiting') OR state = 'approved' AND NOT EXISTS (
                SELECT FROM signatures_auditentry AS entry
                WHERE entry.signature_id = signature.id AND entry.staff_id IS NOT NULL AND entry.now <> ''
            ))
        ORDER BY id FOR UPDATE OF signature
    ), flagged AS (
        UPDATE signatures_signature AS signature SET
            flags = ARRAY(SELECT flag FROM unnest(flags || %(burst)s::varchar(20)) AS flag ORDER BY flag),
            state = CASE WHEN chosen.state = 'approved' THEN 'waiting' ELSE chosen.state END,
            approved_on = NULL
        FROM chosen WHERE signature.id = chosen.id
        RETURNING chosen.*
    ), told AS (
        INSERT INTO signatures_auditentry (at, action, letter_id, signature_id, was, now, reason, detail)
        SELECT %(now)s, %(action)s, letter_id, id,
            CASE WHEN state = 'approved' THEN state ELSE '' END,
            CASE WHEN state = 'approved' THEN 'waiting' ELSE '' END,
            %(burst)s, jsonb_strip_nulls(jsonb_build_object('approved_on', approved_on))
        FROM flagged ORDER BY id
        RETURNING 1
    )
    SELECT count(*) FROM told
"""


@transaction.atomic
def flag_bursts() -> int:
    """Flag what came today in a bucket that was found to be too full since; how many. Asked every minute."""
    now = timezone.now()
    values: dict[str, Any] = {
        "of": sorted(rate_limits.MARKED_SCOPES),
        "burst": Flag.BURST,
        "action": AuditAction.FLAG,
        "now": now,
        "since": now - SPAN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FLAG, values)
        found: int = cursor.fetchone()[0]
    return found
