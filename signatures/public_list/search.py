"""How a name is found among a million: any part of it, in any script (P6: among the public ones alone)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.db.models import Q
from psycopg2.errors import QueryCanceled

from signatures.models import Grams, Signature, SignatureQuerySet
from signatures.values.normalization import normalize_for_search

MAX_QUERY_LENGTH = 40  # characters that a search takes
TIMEOUT_MS = 1_000  # milliseconds that one statement of it may take
FIRST_NON_ALPHABETIC = (
    "\u2e80"  # before it stand the scripts of letters: of those three make a piece, of all others two
)
# How many names are read one after the other, as the list has them: at most at first, and if that finds some already.
# What many share stands among these; what does not is so rare that all of it can be put in order.
SHORT_WALK, LONG_WALK = 500, 8_000
MIN_IN_SHORT_WALK = 4  # among the first; were they fewer, `MORE` would not fill a page
MAX_GRAMS = 4  # of a search that are looked up: more cost more than they spare
# No name is read behind the last that is wanted: PostgreSQL reads on for the sum alone, and that only when it is asked.
_WALK = """
    WITH walked AS MATERIALIZED ({part}),
    found AS MATERIALIZED (SELECT ARRAY(SELECT id FROM walked WHERE search_text LIKE ALL (%s) LIMIT %s) AS ids)
    SELECT ids, CASE WHEN cardinality(ids) < %s THEN (SELECT count(*) FROM walked) < %s ELSE TRUE END FROM found
"""
# A fence: in the order of the list PostgreSQL would read all of it, one name after the other.
_PICK = "WITH found AS MATERIALIZED ({part}) SELECT id FROM found ORDER BY {order} LIMIT %s"

Fetch = Callable[[SignatureQuerySet, int], list[Signature]]


class TooManyMatches(Exception):
    """More names hold this than can be put in order in the time that a search has."""


def search_words(typed: str) -> list[str]:
    """The words that a name must hold, in any order."""
    return list(dict.fromkeys(normalize_for_search(typed).split()))


@contextmanager
def time_limit() -> Iterator[None]:
    """Let no statement take longer than `PATIENCE`.

    Raises:
        TooMany: when one did.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [TIMEOUT_MS])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooManyMatches from None
        raise


def matching(words: Sequence[str], *, letter_id: int, country: str = "") -> Fetch:
    """How to take, of a part of the list in its order, the first ones that hold all of these words."""
    longest = sorted({piece for word in words for piece in grams_of(word)}, key=lambda piece: (-len(piece), piece))
    pieces = [f"{letter_id}:{piece}" for piece in longest[:MAX_GRAMS]]
    pieces += [f"{letter_id}={country}"] if country else []

    def take(part: SignatureQuerySet, number: int) -> list[Signature]:
        for size in (SHORT_WALK, LONG_WALK):
            found, are_all = _walk(part, words, size, number)
            if are_all:
                return _rows(found)
            if len(found) < MIN_IN_SHORT_WALK:
                break
        return _rows(_by_index(part, words, pieces, number))

    return take


def grams_of(word: str) -> set[str]:
    """The longest pieces of a word that the index has: with them go all shorter ones."""
    found = set()
    for place in range(max(1, len(word) - 1)):
        size = 3 if word[place] < FIRST_NON_ALPHABETIC and place < len(word) - 2 else 2
        found.add(word[place : place + size])
    return {piece for piece in found if not any(piece != other and piece in other for other in found)}


def _walk(part: SignatureQuerySet, words: Sequence[str], size: int, number: int) -> tuple[list[int], bool]:
    """Of the first `size` those that hold the words; whether they are all that are wanted, or all there are."""
    sql, parameters = part.values("id", "search_text")[:size].query.sql_with_params()
    patterns = [f"%{_escaped(word)}%" for word in words]
    with connection.cursor() as cursor:
        cursor.execute(_WALK.format(part=sql), [*parameters, patterns, number, number, size])
        found, are_all = cursor.fetchone()
    return found, are_all


def _by_index(part: SignatureQuerySet, words: Sequence[str], pieces: Sequence[str], number: int) -> list[int]:
    """By the index of pieces, which says where the words may be; then the first in order."""
    order = [str(field) for field in part.query.order_by]
    columns = [field.removeprefix("-") for field in order]
    held = part.alias(grams=Grams("letter_id", "country", "search_text")).filter(Q(("grams__contains", list(pieces))))
    for word in words:
        held = held.filter(search_text__contains=word)
    sql, parameters = held.order_by().values("id", *columns).query.sql_with_params()
    by = ", ".join(f"{field.removeprefix('-')}{' DESC' if field.startswith('-') else ''}" for field in order)
    with connection.cursor() as cursor:
        cursor.execute(_PICK.format(part=sql, order=by), [*parameters, number])
        return [number for (number,) in cursor.fetchall()]


def _rows(numbers: Sequence[int]) -> list[Signature]:
    """These, in this order. Asked again for who is public: one may have gone in between."""
    rows = Signature.objects.public().in_bulk(numbers)
    return [rows[number] for number in numbers if number in rows]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
