"""Search of public names by any part of a name or organization, in any script (threat model P6: public names only).

Two ways to the same result. A scan reads the list in its order and stops when a page is full: fast for words that many
names hold. A look-up in the index of grams finds all matches and sorts them: fast for words that few names hold. The
index goes through all names that hold the rarest gram, once for each gram it is asked for. So a search of many grams
asks for a few, which a sample of the names shows to be rare, above all together; what is found is compared whole.
"""

from collections.abc import Iterator, Mapping, Sequence
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
SAMPLE = 2_000  # names that show which grams of a search are rare
MAX_SAMPLED = 16  # grams of a search that are looked for in the sample
# For what the index has found. A bitmap that needs more forgets which rows of a page it meant, and PostgreSQL makes the
# grams of each row of the page anew: a minute for 100,000 matches, which are read in a third of a second.
WORK_MEMORY = "32MB"
# PostgreSQL stops reading at the last match wanted. What it read is counted only if it found fewer.
_SCAN = """
    WITH found AS MATERIALIZED (
        SELECT ARRAY(SELECT id FROM ({signatures}) AS scanned WHERE {conditions} LIMIT %s) AS ids
    )
    SELECT ids, cardinality(ids) >= %s OR (SELECT count(*) FROM ({signatures}) AS scanned) < %s FROM found
"""
# Which of the grams a name holds, as bits, and how many names hold just these.
_SAMPLE = """
    SELECT held, count(*) FROM (SELECT {bits} AS held FROM ({signatures}) AS sampled) AS names GROUP BY held
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
            cursor.execute("SET LOCAL statement_timeout = %s; SET LOCAL work_mem = %s", [TIMEOUT_MS, WORK_MEMORY])
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
        patterns = [_pattern(word) for word in self.words]
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
        """Returns what the index has for every match: some grams of the words, and the country."""
        grams = sorted({gram for word in self.words for gram in grams_of(word)}, key=lambda gram: (-len(gram), gram))
        if len(grams) > MAX_GRAMS:
            grams = rarest_together(grams[:MAX_SAMPLED], self._sample(grams[:MAX_SAMPLED]))
        entries = [f"{self.letter_id}:{gram}" for gram in grams]
        return [*entries, f"{self.letter_id}={self.country}"] if self.country else entries

    def _sample(self, grams: Sequence[str]) -> dict[int, int]:
        """Returns how many of the newest names hold which of the grams: as bits, the first gram in the lowest."""
        public = Signature.objects.using(alias()).filter(letter_id=self.letter_id).public()
        newest = (public.filter(country=self.country) if self.country else public).newest_first()
        size = SAMPLE // FEWER_IN_COUNTRY if self.country else SAMPLE
        sql, parameters = newest.values("search_text")[:size].query.sql_with_params()
        bits = " | ".join(f"((search_text LIKE %s)::int << {place})" for place in range(len(grams)))
        with connections[alias()].cursor() as cursor:
            cursor.execute(_SAMPLE.format(signatures=sql, bits=bits), [*map(_pattern, grams), *parameters])
            return dict(cursor.fetchall())


def rarest_together(grams: Sequence[str], sample: Mapping[int, int]) -> list[str]:
    """Returns the rarest gram, and those that few names hold together with it: at most `MAX_GRAMS`.

    Args:
        grams: the longest first, which are taken where the sample makes no difference.
        sample: the number of names by the grams that they hold, as bits.
    """

    def number(places: Sequence[int]) -> int:
        """Returns the number of names in the sample that hold all of these grams."""
        wanted = sum(1 << place for place in places)
        return sum(names for held, names in sample.items() if held & wanted == wanted)

    chosen: list[int] = []
    # With a gram that the sample lacks further ones cost next to nothing. Otherwise one more has to be worth its cost.
    while len(chosen) < MAX_GRAMS and (not chosen or number(chosen) or not number(chosen[:1])):
        others = [place for place in range(len(grams)) if place not in chosen]
        chosen.append(min(others, key=lambda place: (number([*chosen, place]), number([place]))))
    return [grams[place] for place in chosen]


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


def _pattern(word: str) -> str:
    """Returns the pattern of SQL for texts that hold the word."""
    return f"%{word.replace('\\', r'\\').replace('%', r'\%').replace('_', r'\_')}%"
