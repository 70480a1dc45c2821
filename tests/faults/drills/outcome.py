"""What one drill found, on the site or on its control."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from tests.faults.drills.drill_site import DrillSite

COLUMNS = ("sent", "acknowledged", "unknown", "lost", "doubled", "half", "5xx", "faults", "recovery")


@dataclass
class Outcome:
    """The figures of one try.

    Attributes:
        sent: people who tried to sign; in drills without signers, requests.
        acknowledged: those who were told that it worked.
        unknown: those who got no answer, and did not try again.
        lost: acknowledged and not stored; of emails, signers who got none.
        doubled: stored, or emailed, more often than once.
        half: stored without the email, or the reverse.
        errors: answers with a status of 500 or more.
        faults: how often the fault was there.
        recovery: the longest time in seconds from the end of a fault to the next success.
        note: further figures.
        wrong: what did not hold.
    """

    sent: int = 0
    acknowledged: int = 0
    unknown: int = 0
    lost: int = 0
    doubled: int = 0
    half: int = 0
    errors: int = 0
    faults: int = 0
    recovery: float = 0.0
    note: str = ""
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong.append(otherwise)

    def expect_nothing_lost(self) -> None:
        self.expect(self.acknowledged > 0, "nothing was acknowledged")
        self.expect(self.lost == 0, f"{self.lost} lost")
        self.expect(self.doubled == 0, f"{self.doubled} doubled")
        self.expect(self.half == 0, f"{self.half} half written")
        self.expect(self.recovery <= 10, self.lateness)

    @property
    def lateness(self) -> str:
        return f"it took {self.recovery:.1f} s to recover"

    @property
    def is_only_late(self) -> bool:
        """Whether all held but the time to recover."""
        return self.wrong == [self.lateness]

    def __add__(self, other: "Outcome") -> "Outcome":
        """Both tries as one."""
        mine, others = asdict(self), asdict(other)
        most = {
            "recovery": max(self.recovery, other.recovery),
            "note": "; ".join(filter(None, (self.note, other.note))),
        }
        return Outcome(**{name: mine[name] + others[name] for name in mine} | most)

    @property
    def cells(self) -> list[str]:
        counts = (self.sent, self.acknowledged, self.unknown, self.lost, self.doubled, self.half, self.errors)
        return [*(f"{count:,}" for count in (*counts, self.faults)), f"{self.recovery:.1f} s"]


class Drill[Site: DrillSite](NamedTuple):
    """A fault.

    Attributes:
        number: in the table of the threat model.
        title: as printed.
        on_site: tries it on the site; `is_short` is given.
        on_control: tries it on what must fail; not every drill on several machines has one of its own.
        is_in_short: whether the short form has it.
    """

    number: int
    title: str
    on_site: Callable[[Site, bool], Outcome]
    on_control: Callable[[Site, bool], Outcome] | None = None
    is_in_short: bool = True
