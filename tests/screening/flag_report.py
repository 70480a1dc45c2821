"""What the checks find, and what they find wrongly: on two lists of names of people and organizations.

`uv run python -m tests.screening.flag_report` prints the numbers with the names that are on the wrong side.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()

from signatures.registries import Flag
from signatures.screening import checks

LISTS = Path(__file__).with_name("lists")
# As a letter names them, and one in each script that staff add.
PROTECTED = (
    "President Xi Jinping", "国家主席 习近平", "國家主席 習近平", "시진핑 주석", "Си Цзиньпин", "شي جين بينغ", "シー・ジンピン",
    "Roberta Cohen", "로버타 코언", "김정은 (Kim Jong-un)", "金正恩", "नरेन्द्र मोदी",
    "Ursula von der Leyen", "Ana de la Cruz", "Crown Prince Mohammed bin Salman", "李强总理", "이준 대통령", "Sukarno",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """Names that no check found, and honest ones that a check found; and of how many each."""

    missed: Sequence[str]
    wrong: Sequence[str]
    looked_at: int
    honest: int

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / self.looked_at

    @property
    def false_positives(self) -> float:
        return len(self.wrong) / self.honest

    def __str__(self) -> str:
        return (
            f"recall {self.recall:.1%} of {self.looked_at}; false positives {self.false_positives:.1%} of {self.honest}\n"
            f"missed: {', '.join(self.missed)}\nwrong: {', '.join(self.wrong)}"
        )


def names(file: str) -> list[str]:
    lines = (LISTS / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_flagged(line: str) -> bool:
    """Returns whether a line raises a flag that not every organization raises."""
    kind, is_apart, rest = line.partition(": ")
    if is_apart and kind == "at":
        found = checks.flags({"name": "Ada Lovelace", "organization": rest}, protected_names=PROTECTED)
    elif is_apart and kind == "organization":
        found = checks.flags({"name": rest}, protected_names=PROTECTED, organization=True)
    else:
        found = checks.flags({"name": line}, protected_names=PROTECTED)
    return not {Flag.ORGANIZATION, Flag.NO_SPOKESPERSON}.issuperset(found)


def report() -> Report:
    looked_at, honest = names("looked_at.txt"), names("honest.txt")
    return Report(
        [name for name in looked_at if not is_flagged(name)],
        [name for name in honest if is_flagged(name)],
        len(looked_at), len(honest),
    )  # fmt: skip


if __name__ == "__main__":
    print(report())  # noqa: T201
