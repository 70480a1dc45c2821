"""Rows of made-up signatures, as lines of text for COPY. Most of the work is done once for a word or a block."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from django.utils import timezone

from signatures.management.commands._people import BLOCK, Naming, blocks, lines
from signatures.models import CountryStatistic
from signatures.registries import Flag
from signatures.registries.typed_fields import BLANKED_ON_WITHDRAWAL, DERIVED_FROM_WORDS, TYPED_NAMES, WORDS
from signatures.states import Kind, State, Visibility
from signatures.values import names
from signatures.values.normalization import compared_words, normalize_for_search, search_text, written_together

WEEKS = 8
HOUR, DAY = 3600, 86400
COLUMNS = (
    *TYPED_NAMES, *DERIVED_FROM_WORDS, "flags", "translation_id", "language", "state", "place", "letter_id", "paper",
    "public_id", "address_hash", "signed_up_at", "confirmed_at", "approved_on",
)  # fmt: skip
NULL = r"\N"
# Shares in percent.
STATES = {State.APPROVED: 87, State.WAITING: 9, State.REJECTED: 2, State.WITHDRAWN: 2}
VISIBILITIES = {Visibility.PUBLIC: 76, Visibility.DELIVERY: 14, Visibility.COUNTED: 10}
FLAGGED = {State.WAITING: 0.5, State.REJECTED: 0.7, State.APPROVED: 0.01}
FLAGS = ("link", "trap", "stale-form", "rate", "script-mix", "similar")
COMMENTS = ("Thank you.", "My grandmother was born in Hamhŭng.", "함께합니다.", "声援", "Дякую!", "شكراً لكم")
OUTCOMES = {
    (state, visibility): STATES[state] * VISIBILITIES[visibility] for state in STATES for visibility in VISIBILITIES
}
FILLED_IN = ("name", "role", "organization", "comment", "country")
_PERSON: dict[str, str] = dict.fromkeys(TYPED_NAMES, "") | {"kind": Kind.PERSON}
NO_WORDS, NOTHING_TYPED = dict.fromkeys(WORDS, ""), dict.fromkeys(BLANKED_ON_WITHDRAWAL, "")


class Row(NamedTuple):
    """A signature.

    Attributes:
        public_id: as the database writes it, without hyphens.
        language: the one in which it was signed.
        hour: when it was submitted, in whole hours since 1970.
        country: under which its sign-up is counted.
        line: of the values of `COLUMNS`.
    """

    public_id: str
    language: str
    hour: int
    country: str
    line: str


@dataclass(frozen=True)
class Block:
    """Signatures whose public ids and address hashes have one beginning, so that they are quickly stored and found.

    Attributes:
        first: the number of its first signature.
        size: how many of its signatures are asked for.
        beginning: 16 hexadecimal digits.
        people: the names in each language.
    """

    first: int
    size: int
    beginning: str
    people: dict[Naming, Iterator[str]]

    def public_id(self, digits: str) -> str:
        """Returns a random UUID that ends with these 15 digits."""
        return f"{self.beginning[:12]}4{self.beginning[13:]}8{digits}"


class Rows:
    """Makes the signatures, the same for the same letter and seed."""

    def __init__(self, letter: int, slug: str, seed: int, number: int, texts: dict[str, tuple[int, str]]) -> None:
        self.letter, self.slug, self.seed, self.number, self.texts = letter, slug, seed, number, texts
        now = timezone.now()
        self.now = now.timestamp()
        self.start = datetime.combine(now - timedelta(weeks=WEEKS), time(), UTC).timestamp()

    def blocks(self) -> Iterator[Block]:
        for first, people in zip(range(0, self.number, BLOCK), blocks(self.seed), strict=False):
            digest = hashlib.blake2b(f"{self.slug} {self.seed} {first}".encode(), digest_size=8)
            yield Block(first, min(BLOCK, self.number - first), digest.hexdigest(), people)

    def rows(self, block: Block) -> list[Row]:
        """Returns the signatures of a block, which are as many as it has people, whatever is asked for."""
        chance = random.Random(f"rows {self.seed} {block.first}")
        typed = [each for naming, people in block.people.items() for each in self._typed(chance, naming, list(people))]
        chance.shuffle(typed)
        if block.first == 0:  # each state is there, however few are asked for
            for place, state in enumerate(STATES):
                found = next((at for at, one in enumerate(typed) if at >= place and one[1] == state), place)
                typed[place], typed[found] = typed[found], typed[place]
        return [self._row(chance, block, index, *each) for index, each in enumerate(typed[: block.size])]

    def _row(
        self, chance: random.Random, block: Block, index: int, language: str, state: str, country: str, words: str
    ) -> Row:
        digits = chance.randbytes(24).hex()
        public_id = block.public_id(digits[:15])
        signed_up, confirmed, approved = self._moments(chance, block.first + index)
        moments = f"{_moment(signed_up)}\t{_moment(confirmed)}"
        day = _day(int(approved) // DAY) if state == State.APPROVED else NULL
        place = NULL if state == State.WITHDRAWN else "1"
        text, language = self.texts[language]  # as of who signs on a page without a text in their language
        rest = f"{text}\t{language}\t{state}\t{place}\t{self.letter}\tf\t{public_id}\t\\\\x{block.beginning}{digits}"
        return Row(public_id, language, int(signed_up) // HOUR, country, f"{words}\t{rest}\t{moments}\t{day}\n")

    def _typed(self, chance: random.Random, naming: Naming, people: list[str]) -> Iterator[tuple[str, str, str, str]]:
        """Yields for each of these people language, state, `Row.country`, and the first columns."""
        number = len(people)
        outcomes = chance.choices(list(OUTCOMES), list(OUTCOMES.values()), k=number)
        columns = (
            people,
            some(chance, lines(naming.roles), 0.3, number),
            some(chance, lines(naming.organizations), 0.15, number),
            some(chance, COMMENTS, 0.04, number),
            some(chance, naming.countries.split(), 0.9, number),
        )
        for (state, visibility), *values in zip(outcomes, *columns, strict=True):
            typed = _PERSON | dict(zip(FILLED_IN, values, strict=True))
            typed["visibility"] = visibility
            flags = [chance.choice(FLAGS)] if chance.random() < FLAGGED.get(state, 0.0) else []
            if chance.random() < 0.02:
                typed |= _organization(naming, typed["name"])
            if state == State.WITHDRAWN:
                typed |= NOTHING_TYPED
            elif visibility == Visibility.COUNTED:
                typed |= NO_WORDS
            elif typed["kind"] == Kind.ORGANIZATION:
                flags.insert(0, Flag.ORGANIZATION)  # as screening does
            found = search_columns(typed["name"], typed["organization"])
            place = typed["country"] if visibility == Visibility.PUBLIC else CountryStatistic.NOT_PUBLIC
            yield naming.language, state, place, "\t".join([*typed.values(), *found, f"{{{','.join(flags)}}}"])

    def _moments(self, chance: random.Random, index: int) -> tuple[float, float, float]:
        """Returns when it was submitted, confirmed and approved: most in the first days, in the order of signing."""
        elapsed = ((index + chance.random()) / self.number) ** 1.7
        signed_up = self.start + (self.now - DAY - self.start) * elapsed
        confirmed = min(signed_up + chance.expovariate(1 / 3) * HOUR, self.now)
        return signed_up, confirmed, min(confirmed + chance.random() * 3 * DAY, self.now)


def _organization(naming: Naming, founder: str) -> dict[str, str]:
    speaks = ", ".join([founder, *lines(naming.roles)[:1]])
    return {"kind": Kind.ORGANIZATION, "name": naming.foundation.format(founder), "role": "", "spokesperson": speaks}


def some(chance: random.Random, choices: Sequence[str], share: float, number: int) -> list[str]:
    """Returns one of the choices for this share of so many people, and "" for the others."""
    if not choices:
        return [""] * number
    return chance.choices([*choices, ""], [*[share / len(choices)] * len(choices), 1 - share], k=number)


def search_columns(name: str, organization: str) -> tuple[str, str, str]:
    """Returns what `names.search_columns` makes of them, put together for COPY from words that come often."""
    if not name:
        return "", "", ""
    first, *others = found = [_word(word) for word in name.split(" ")]
    key = " ".join(sorted(each for word in found for each in word.compared))
    sort = " ".join([first.first, *(word.searched for word in others)])
    line = " ".join(word.searched for word in found)
    text = line if (together := written_together(line)) == line else rf"{line}\n{together}"
    return key, sort, rf"{text}\n{_organization_text(organization)}" if organization else text


class _Word(NamedTuple):
    compared: list[str]
    first: str  # in the sort key, when the name begins with it
    searched: str


@lru_cache(maxsize=100_000)
def _word(word: str) -> _Word:
    return _Word(compared_words(word), names.sort_key(word), normalize_for_search(word))


@lru_cache(maxsize=1_000)
def _organization_text(organization: str) -> str:
    return search_text("", organization).replace("\n", r"\n")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@lru_cache(maxsize=1_000)
def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
