"""The old words of the vocabulary are gone: code, templates, tests and docs use the words of the glossary."""

import re
import subprocess

import pytest

from tests.prepared import BASE

# What is not said any more, as a pattern, and what is said instead. Words with another plain meaning ("post" of a
# form, a "link", "mark", "copy", "move", "picture") cannot be told apart by a pattern and are not listed.
OLD_WORDS = {
    r"audiences?": "visibility",
    r"trails?": "audit log",
    r"trailentry|mailsubject|invalidatedrow|hourlyactivity": "the names of the tables",
    r"unsealed_since|verify_trail": "checkpoint",
    r"drain(s|ed)?": "send",
    r"tall(y|ies)": "count delta",
    r"hot pages?": "cached page",
    r"suspicion": "screening",
    r"likeness": "name key",
    r"notables?": "featured",
    r"speakers?": "spokesperson",
    r"let[- ]stand": "dismiss a report",
    r"overtaken": "conflict",
    r"invalidations?": "bulk rule",
    r"keepers?": "subscribers, updates key",
    r"scenery": "fixture",
    r"brigad(e|es|ing)": "spam simulation",
    r"crowds?": "spam simulation",
    r"desks?": "review queue, moderator",
    r"mailbox_key|mailbox_pepper": "address hash",
    r"mail address(es)?": "email address",
    r"[Oo]rganis(e|ed|er|ers|ation|ations)": "organization",
    r"[Cc]olours?": "color",
    r"[Bb]ehaviour": "behavior",
    r"block[- ]lists?": "blocklist",
    r"[Cc]atalogues?": "catalog",
    r"(un)?cancell(ed|ing)|labell(ed|ing)|fulfil(s|ment)?": "one l, or two: American spelling",
    r"(fav|hon|neighb)ours?|centred?|licences?|grey|defence|judgement|(analy|recogni|normali|serial|minimi)se[ds]?": "American spelling",
}
PATTERN = re.compile("|".join(rf"(?<![A-Za-z])(?:{word})(?![A-Za-z])" for word in OLD_WORDS), re.IGNORECASE)
READ = {".py", ".html", ".txt", ".css", ".js", ".sql", ".typ", ".toml", ".md", ".example", ".yaml", ".patch"}
# The letter is quoted as it was written; the changelog says what was renamed; names of people are data, and French is French.
NOT_OURS = (
    "campaign/letters/content/",
    "CHANGELOG.md",
    "requirements",
    "tests/docs/test_vocabulary.py",
    "people.toml",
    "wording/fr.toml",
)
# Public words that say something else: a name in an authenticator app, a heading of the PDF, German, headings of
# lists that others made.
ALLOWED = {
    "campaign/settings.py": "Desk",
    "templates/pdf/wording/en.toml": "Notable",
    "tests/translations/test_new_language.py": "Organisation",
    "signatures/paper/headings.toml": "organisation",
    "tests/paper/test_reading.py": "Organisation",
}


def files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=BASE, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    ours = [name for name in listed if name and not any(part in name for part in NOT_OURS)]
    return [name for name in ours if (BASE / name).suffix in READ and (BASE / name).is_file()]


@pytest.mark.slow
@pytest.mark.skipif(not (BASE / ".git").exists(), reason="the list of files comes from git")
def test_nobody_uses_the_old_words() -> None:
    found = []
    for name in files():
        for number, line in enumerate((BASE / name).read_text(encoding="utf-8").splitlines(), start=1):
            words = [word[0] for word in PATTERN.finditer(line) if word[0] != ALLOWED.get(name)]
            found += [f"{name}:{number}: {word}" for word in words]
    assert found == []


@pytest.mark.parametrize(
    "line", ["The trail tells", "ein Notable", "a crowd of people", "def trail():", "x_tally = 1", "CANCELLED"]
)
def test_an_old_word_is_found(line: str) -> None:
    assert PATTERN.search(line)


@pytest.mark.parametrize("line", ["a contrail", "the desktop", "totally", "crowded out", "detailed"])
def test_a_word_that_only_looks_like_one_is_left_alone(line: str) -> None:
    assert not PATTERN.search(line)
