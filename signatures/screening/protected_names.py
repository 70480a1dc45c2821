"""Whether somebody signs under a protected name: in any order, with titles and brackets, in whatever script."""

import tomllib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path

from signatures.screening.scripts import scripts_of
from signatures.values.normalization import compared_words

_TABLE = tomllib.loads(Path(__file__).with_name("titles.toml").read_text("utf-8"))
_AFFIXES = tuple(
    sorted({"".join(compared_words(title)) for title in _TABLE["beside_han_and_hangul"]}, key=len, reverse=True)
)
_TITLES = frozenset({*_AFFIXES, *("".join(compared_words(title)) for title in _TABLE["words"])})
_PARTICLES = frozenset("".join(compared_words(particle)) for particle in _TABLE["particles"])
_WITHOUT_CAPITALS = {"Hani", "Hang", "Hira", "Kana"}  # a name in them is written with or without a space
_MOST_WORDS = 12  # of a name

type Joints = frozenset[int]  # where one word ends and the next begins in a name that is written together


def is_protected(name: str, protected_names: Collection[str], *, is_person: bool) -> bool:
    """Returns whether a name is a protected one or, of a person, has one in it."""
    typed = _Name(compared_words(name))
    joined = "".join(typed.words)
    if not joined:
        return False
    protected = _protected_by(tuple(protected_names))
    return joined in protected.spellings or (is_person and protected.has_person(typed))


@dataclass(frozen=True)
class _Name:
    """The words of a line, and what is left of them without titles."""

    words: Sequence[str]

    @cached_property
    def core(self) -> list[str]:
        return [_without_affix(word) for word in self.words if word not in _TITLES]

    @cached_property
    def by_script(self) -> dict[frozenset[str], list[str]]:
        """Of the scripts without capitals: 李强 (이강) is one name in each."""
        found = defaultdict(list)
        for word in self.core:
            if (scripts := frozenset(scripts_of(word))) and scripts <= _WITHOUT_CAPITALS:
                found[scripts].append(word)
        return dict(found)

    @cached_property
    def runs(self) -> dict[str, set[Joints]]:
        """Several words in a row, written together, with and without the titles among them."""
        found = defaultdict(set)
        for words in (self.words, self.core):
            for start in range(len(words)):
                for end in range(start + 2, min(len(words), start + _MOST_WORDS) + 1):
                    found["".join(words[start:end])].add(_joints(words[start:end]))
        return dict(found)


def _without_affix(word: str) -> str:
    """Returns a word without a title that is written together with it, where a name is left: 李强总理."""
    if not word.endswith(_AFFIXES) and not word.startswith(_AFFIXES):
        return word
    for affix in _AFFIXES:
        for rest in (word.removesuffix(affix), word.removeprefix(affix)):
            if rest != word and len(rest) > 1:
                return rest
    return word


def _joints(words: Sequence[str]) -> Joints:
    return frozenset([*accumulate(map(len, words))][:-1])


class _Protected:
    """The protected names of a letter, by what they are found by: most names have nothing of any of them."""

    def __init__(self, names: Sequence[str]) -> None:
        all_words = [compared_words(name) for name in names]
        self.spellings = frozenset(spelling for words in all_words for spelling in _spellings(words))
        self._whole_names = frozenset(word for words in all_words for word in words if _is_whole_name(word))
        self._characters = frozenset("".join(self._whole_names))
        self._cores = frozenset("".join(_Name(words).core) for words in all_words)
        self._people = defaultdict[str, set[frozenset[str]]](set)  # by one word of theirs
        self._turned = defaultdict[str, set[Joints]](set)
        self._by_script = defaultdict[frozenset[str], list[Sequence[str]]](list)
        for name, words in zip(names, all_words, strict=True):
            for person in _people_in(name):
                self._people[person[0]].add(frozenset(person))
                for start in range(len(person)):
                    turned = person[start:] + person[:start]  # the people written together, from each of their words
                    self._turned["".join(turned)].add(_joints(turned))
            for scripts, parts in _Name(words).by_script.items():
                self._by_script[scripts].append(parts)

    def has_person(self, typed: _Name) -> bool:
        """Returns whether a name has that of a person: the words in any order, or written together or apart."""
        core, words = "".join(typed.core), frozenset(typed.words)
        return (
            any(person <= words for word in words & self._people.keys() for person in self._people[word])
            or any(self._has_whole_name(word) for word in words)
            or (bool(core) and core in self._cores)
            or any(
                _is_same(parts, protected)
                for scripts, parts in typed.by_script.items()
                for protected in self._by_script.get(scripts, ())
            )
            or any(
                _is_split_alike(typed.runs[run], joints)
                for run in typed.runs.keys() & self._turned.keys()
                for joints in self._turned[run]
            )
        )

    def _has_whole_name(self, word: str) -> bool:
        if len(word) < 3 or self._characters.isdisjoint(word):
            return False
        return any(word in name or name in word for name in self._whole_names)


@lru_cache(maxsize=256)
def _protected_by(names: tuple[str, ...]) -> _Protected:
    return _Protected(names)


def _is_same(parts: Sequence[str], protected: Sequence[str]) -> bool:
    """Returns whether the parts of a name are a protected one, the family name first or last: 진핑 시."""
    joined, name = "".join(parts), "".join(protected)
    if len(name) < 2:
        return False
    turned = {name[place:] + name[:place] for place in (1, 2)} if len(parts) > 1 and len(name) <= 4 else set()
    return joined == name or joined in turned


def _is_split_alike(typed: Collection[Joints], protected: Joints) -> bool:
    """Returns whether words are only parts of the words of a name, as in Jong Un Kim, or put together from them.

    N. Ali is not Na Li.
    """
    return any(joints and (joints >= protected or joints <= protected) for joints in typed)


def _people_in(protected: str) -> tuple[tuple[str, ...], ...]:
    """Returns the words of the people whom a line may name: its capitalized words in a row, with or without the first.

    The first ones may be titles, the last ones hardly. A word in lower case is no part of a name, but for particles and
    where the whole line is in lower case. No name begins with a particle in lower case.
    """
    runs: list[list[tuple[str, bool]]] = [[]]
    for word in protected.split():
        is_lower = word.islower() and not protected.islower()
        compared = compared_words(word)
        if is_lower and not _PARTICLES.issuperset(compared):
            runs.append([])
        else:
            runs[-1] += [(each, is_lower) for each in compared]
    return tuple(
        tuple(word for word, _is_particle in run[start:])
        for run in runs
        for start in range(len(run) - 1)
        if not run[start][1] and sum(not is_particle for _word, is_particle in run[start:]) > 1
    )


def _spellings(words: Sequence[str]) -> frozenset[str]:
    """Returns the names that pass for a protected one, without spaces: all its words, or at least two in a row.

    In Chinese, Japanese and Korean one word of three characters or more is a whole name.
    """
    runs = {"".join(words[i:j]) for i in range(len(words)) for j in range(i + 2, len(words) + 1)}
    return frozenset({*runs, *filter(_is_whole_name, words), "".join(words)})


def _is_whole_name(word: str) -> bool:
    return len(word) > 2 and set() < scripts_of(word) <= _WITHOUT_CAPITALS
