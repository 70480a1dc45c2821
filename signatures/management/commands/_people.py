"""Made-up people for `make_signatures`: names in many scripts, each at most once in a run.

They come in blocks, and each block can be made without those before it.
"""

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path

PEOPLE = Path(__file__).with_name("people.toml")
BLOCK = 5_000  # people in one block


@dataclass(frozen=True)
class Person:
    name: str
    naming: "Naming"


@dataclass(frozen=True, eq=False)  # hashed by identity, which is quick
class Naming:
    """Names of one language. A list has words with spaces between, or characters without any.

    No two languages share both a family name and a given name, so that no two make the same full name.
    """

    weight: int
    countries: str
    given: str
    family: str
    middle: str = ""  # given names again, when empty
    pattern: str = "{given} {middle} {family}"
    joint: str = "-"  # between two family names; "" where people carry one
    language: str = "en"
    roles: str = ""
    organizations: str = ""
    foundation: str = "{} Foundation"

    @cached_property
    def lists(self) -> tuple[list[str], list[str], list[str]]:
        """The given, family and middle names."""
        given, family = words(self.given), words(self.family)
        return given, family, words(self.middle) or given

    @cached_property
    def number(self) -> int:
        """How many full names there are."""
        given, family, middle = self.lists
        return len(given) * len(family) * len(middle) * (len(family) if self.joint else 1)

    def pairs(self, chance: random.Random) -> list[tuple[int, int]]:
        """Returns the places in their lists of all pairs of a given and a family name, mixed."""
        given, family, _middle = self.lists
        pairs = [(one, other) for one in range(len(given)) for other in range(len(family))]
        chance.shuffle(pairs)
        return pairs

    def names(self, pairs: list[tuple[int, int]], numbers: range) -> Iterator[str]:
        """Yields full names by number, short ones first: with a second given name and then family name after that."""
        given, family, middle = self.lists
        for number in numbers:
            level, pair = divmod(number, len(pairs))
            other_family, other_given = divmod(level, len(middle))
            first, last = pairs[pair]
            second = middle[(first + other_given) % len(middle)] if other_given else ""
            if second == given[first]:  # the one that no other number takes
                second = middle[first % len(middle)]
            whole = family[last]
            if other_family:
                whole += self.joint + family[(last + other_family) % len(family)]
            yield " ".join(self.pattern.format(given=given[first], middle=second, family=whole).split())


def words(text: str) -> list[str]:
    """Returns the words of a list, or the characters of a list without spaces."""
    return text.split() if " " in text else list(text)


def lines(text: str) -> list[str]:
    return text.split("; ") if text else []


def people(seed: int) -> Iterator[Person]:
    """Yields all people, mixed as in a worldwide letter. The same seed gives the same people."""
    for number, block in zip(count(), blocks(seed), strict=False):
        everybody = [Person(name, naming) for naming, names in block.items() for name in names]
        random.Random(f"people {seed} {number}").shuffle(everybody)
        yield from everybody


def blocks(seed: int) -> Iterator[dict[Naming, Iterator[str]]]:
    """Yields the names of the people of each block. One that is not read costs nothing."""
    pairs = {naming: naming.pairs(random.Random(f"{seed} {naming.family}")) for naming in NAMINGS}
    used = dict.fromkeys(NAMINGS, 0)
    while shares := _shares({naming: naming.number - used[naming] for naming in NAMINGS}):
        yield {
            naming: naming.names(pairs[naming], range(used[naming], used[naming] + share))
            for naming, share in shares.items()
        }
        for naming, share in shares.items():
            used[naming] += share


def _shares(left: dict[Naming, int]) -> dict[Naming, int]:
    """Returns how many people of a block have names of each language; nothing, if there are not enough names left."""
    weights = sum(naming.weight for naming, number in left.items() if number)
    shares = {naming: min(number, BLOCK * naming.weight // weights) for naming, number in left.items() if number}
    missing = BLOCK - sum(shares.values())
    for naming in sorted(shares, key=lambda naming: shares[naming] - left[naming]):  # most first
        more = min(missing, left[naming] - shares[naming])
        shares[naming] += more
        missing -= more
    return {} if missing else shares


NAMINGS = [Naming(**table) for table in tomllib.loads(PEOPLE.read_text(encoding="utf-8"))["languages"]]
