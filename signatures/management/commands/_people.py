"""Made-up people for `make_signatures`: names in many scripts, each at most once in a run."""

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PEOPLE = Path(__file__).with_name("people.toml")


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

    def names(self, chance: random.Random) -> Iterator[str]:
        """Yields every full name, short ones first: with two given names after that, then with two family names, too."""
        given, family = words(self.given), words(self.family)
        middle = words(self.middle) or given
        pairs = [(one, other) for one in range(len(given)) for other in range(len(family))]
        chance.shuffle(pairs)
        for other_family in range(len(family) if self.joint else 1):
            for other_given in range(len(middle) + 1):
                for first, last in pairs:
                    second = middle[(first + other_given) % len(middle)] if other_given else ""
                    if second == given[first]:
                        continue
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
    chance = random.Random(f"people {seed}")
    left = {naming: naming.names(random.Random(f"{seed} {naming.family}")) for naming in NAMINGS}
    while left:
        for naming in chance.choices(list(left), [naming.weight for naming in left], k=1000):
            name = next(left[naming], None) if naming in left else None
            if name is None:
                left.pop(naming, None)
            else:
                yield Person(name, naming)


NAMINGS = [Naming(**table) for table in tomllib.loads(PEOPLE.read_text(encoding="utf-8"))["languages"]]
