"""Limits of waiting for sessions that others share: behind a pooler in transaction mode (threat model O17).

A connection asks for its limits when it starts. A pooler hears that and does not pass it on: the sessions that it lends
have limits of their own, those of public pages. Whoever needs others sets them for each transaction, in front of its
first statement and in one message with it. So it costs no round trip, and nothing stays in the session.
"""

from collections.abc import Mapping
from typing import Any

from psycopg2 import extensions, sql

# These let nobody wait without end. The check for a client that is gone only ends what nobody waits for.
TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
# Limits that came with the start of the session are those that were asked for, or the operator's in the address.
_OTHERS = "SELECT count(*) FROM pg_settings WHERE source <> 'client' AND name IN %s AND (name, setting) NOT IN %s"


def to_set(session: Any, limits: Mapping[str, int]) -> str:
    """Returns the statements that set the limits in a transaction; nothing if the session has them already.

    Args:
        session: a new connection of psycopg2 that asked for these limits.
        limits: in seconds, by the name of the parameter.
    """
    wanted = {name: seconds for name, seconds in limits.items() if name in TIMEOUTS}
    if not wanted:
        return ""
    session.autocommit = True  # or the question would begin a transaction
    with session.cursor() as cursor:
        pairs = tuple((name, str(seconds * 1000)) for name, seconds in wanted.items())
        cursor.execute(_OTHERS, [tuple(wanted), pairs])
        (others,) = cursor.fetchone()
    session.autocommit = False
    return "".join(f"SET LOCAL {name} = '{seconds}s'; " for name, seconds in limits.items()) if others else ""


def absent(session: Any, limits: Mapping[str, int]) -> list[str]:
    """Returns which of the limits the sessions of a connection do not have at all, outside of our transactions."""
    names = tuple(name for name in limits if name in TIMEOUTS)
    with session.cursor(cursor_factory=extensions.cursor) as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE name IN %s AND setting = '0' ORDER BY name", [names])
        return [name for (name,) in cursor.fetchall()]


def before(limits: str, query: Any, session: Any) -> Any:
    """Returns the query of a cursor with the statements that set its limits before it.

    An index that is made beside writers takes no other statement beside it, and has the limits of the session.
    """
    text = query.as_string(session) if isinstance(query, sql.Composable) else query
    text = text.decode() if isinstance(text, bytes) else text
    return query if "CONCURRENTLY" in text else limits + text
