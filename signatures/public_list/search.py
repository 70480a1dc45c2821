"""Search of public names by any part of a name or organization, in any script (threat model P6: public names only).

Two ways to the same result. A scan reads the list in its order and stops when a page is full: fast for words that many
names hold. A look-up in the index of grams finds all matches and sorts them: fast for words that few names hold.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import OperationalError, connections, transaction
from psycopg2.errors import QueryCanceled

from campaign.runtime.replica import alias
from signatures.models import Grams, ListedRow, Signature, SignatureQuerySet

MAX_QUERY_LENGTH = 40  # characters
TIMEOUT_MS = 1_000  # milliseconds for each statement of a search
# Grams have three characters in alphabetic scripts, which come before this character, and two in all others.
FIRST_NON_ALPHABETIC = "\u2e80"
# Names read by a scan: the first try, and the second if the first finds some. In one country it reads fewer: there the
# table is read, elsewhere an index alone.
SHORT_SCAN, LONG_SCAN = 4_000, 40_000
FEWER_IN_COUNTRY = 8
MIN_IN_SHORT_SCAN = 6  # matches in the short scan that promise a full page from the long one
MAX_GRAMS = 4  # grams of a search that are looked up: more cost more than they save
# PostgreSQL stops reading at the last match wanted. What it read is counted only if it found fewer.
_SCAN = """
    WITH found AS MATERIALIZED (
        SELECT ARRAY(SELECT id FROM ({signatures}) AS scanned WHERE {conditions} LIMIT %s) AS ids
    )
    SELECT ids, cardinality(ids) >= %s OR (SELECT count(*) FROM ({signatures}) AS scanned) < %s FROM found
"""
# MATERIALIZED, because PostgreSQL would otherwise read the whole list in its order, name by name.
_SORT = "WITH found AS MATERIALIZED ({signatures}) SELECT id FROM found ORDER BY {order} LIMIT %s"


class TooManyMatches(Exception):
    """So many names match that they cannot be sorted within `TIMEOUT_MS`."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Limits each statement to `TIMEOUT_MS`.

    Raises:
        TooManyMatches: if a statement took longer.
    """
    try:
        with transaction.atomic(using=alias()), connections[alias()].cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [TIMEOUT_MS])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooManyMatches from None
        raise


@dataclass(frozen=True)
class Search:
    """A search for names that hold all of these words."""

    words: Sequence[str]
    letter_id: int
    country: str = ""

    def fetch(self, signatures: SignatureQuerySet, limit: int) -> list[ListedRow]:
        """Returns the first matches in the order of the queryset (`pagination.Fetch`)."""
        for most in (SHORT_SCAN, LONG_SCAN):
            size = -(-most // FEWER_IN_COUNTRY) if self.country else most
            ids, is_complete = self._scan(signatures, size, limit)
            if is_complete:
                return _load(ids)
            if len(ids) < MIN_IN_SHORT_SCAN:
                break
        return _load(self._look_up(signatures, limit))

    def _scan(self, signatures: SignatureQuerySet, size: int, limit: int) -> tuple[list[int], bool]:
        """Returns the matches among the first `size` rows, and whether these are `limit` matches or all there are."""
        sql, parameters = signatures.values("id", "search_text")[:size].query.sql_with_params()
        patterns = [f"%{_escape_like(word)}%" for word in self.words]
        conditions = " AND ".join(["search_text LIKE %s"] * len(patterns))
        statement = _SCAN.format(signatures=sql, conditions=conditions)
        with connections[alias()].cursor() as cursor:
            cursor.execute(statement, [*parameters, *patterns, limit, limit, *parameters, size])
            ids, is_complete = cursor.fetchone()
        return ids, is_complete

    def _look_up(self, signatures: SignatureQuerySet, limit: int) -> list[int]:
        """Returns the first matches, found by the index of grams."""
        fields = [str(field) for field in signatures.query.order_by]
        columns = {field.removeprefix("-"): " DESC" if field.startswith("-") else "" for field in fields}
        grams = Grams("letter_id", "country", "search_text")
        matches = signatures.alias(grams=grams).filter(grams__contains=self._index_entries())  # type: ignore[misc]  # an array
        for word in self.words:
            matches = matches.filter(search_text__contains=word)
        sql, parameters = matches.order_by().values("id", *columns).query.sql_with_params()
        order = ", ".join(column + direction for column, direction in columns.items())
        with connections[alias()].cursor() as cursor:
            cursor.execute(_SORT.format(signatures=sql, order=order), [*parameters, limit])
            return [pk for (pk,) in cursor.fetchall()]

    def _index_entries(self) -> list[str]:
        """Returns what the index has for every match: the longest grams of the words, and the country."""
        grams = sorted({gram for word in self.words for gram in grams_of(word)}, key=lambda gram: (-len(gram), gram))
        entries = [f"{self.letter_id}:{gram}" for gram in grams[:MAX_GRAMS]]
        return [*entries, f"{self.letter_id}={self.country}"] if self.country else entries


def grams_of(word: str) -> set[str]:
    """Returns the longest grams of a word: a name that has these has all shorter ones, too."""
    grams = set()
    for start in range(max(1, len(word) - 1)):
        size = 3 if word[start] < FIRST_NON_ALPHABETIC and start < len(word) - 2 else 2
        grams.add(word[start : start + size])
    return {gram for gram in grams if not any(gram != other and gram in other for other in grams)}


def _load(ids: Sequence[int]) -> list[ListedRow]:
    """Returns these signatures in this order. They are filtered again: one may have been withdrawn meanwhile."""
    rows = {row.pk: row for row in Signature.objects.using(alias()).public().filter(pk__in=ids).listed_rows()}
    return [rows[pk] for pk in ids if pk in rows]


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
