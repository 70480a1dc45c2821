"""Which of the deliverable signatures an export holds, and the day of each."""

from dataclasses import dataclass
from datetime import UTC, date
from zoneinfo import ZoneInfo

from django.db.models import Case, CharField, Exists, OuterRef, Value, When
from django.db.models.functions import TruncDate

from campaign.models import Letter
from signatures.models import Delivery, Signature, SignatureQuerySet
from signatures.states import Kind, Source


@dataclass(frozen=True, slots=True)
class Selection:
    """Each field that is set leaves others out.

    Args:
        since: only who is not in this delivery.
        country: ISO 3166-1, two letters; XK for Kosovo.
        day: of signing, in the time zone of the letter.
        organizations: only these.
    """

    since: Delivery | None = None
    country: str = ""
    day: date | None = None
    organizations: bool = False

    def of(self, letter: Letter) -> SignatureQuerySet:
        """Returns the selected signatures, in the order that the letter asks for."""
        chosen = Signature.objects.filter(letter=letter).deliverable().in_order(letter.order)
        if self.since:
            chosen = chosen.exclude(Exists(self.since.rows.filter(signature_id=OuterRef("pk"))))
        if self.country:
            chosen = chosen.filter(country=self.country)
        if self.day:
            chosen = chosen.annotate(day=day_of_signing(letter)).filter(day=self.day)
        return chosen.filter(kind=Kind.ORGANIZATION) if self.organizations else chosen

    def described(self) -> dict[str, str | int]:
        """Returns what is set, as numbers and codes, for the audit log."""
        fields: dict[str, str | int | None] = {
            "since": self.since.number if self.since else None,
            "country": self.country,
            "day": self.day.isoformat() if self.day else "",
            "organizations": self.organizations,
        }
        return {name: value for name, value in fields.items() if value}


EVERYBODY = Selection()


def day_of_signing(letter: Letter) -> Case:
    """Returns the day of a signature in the time zone of its letter. Paper has a day and no time: it is kept in UTC."""
    on_paper = When(paper=True, then=TruncDate("confirmed_at", tzinfo=UTC))
    return Case(on_paper, default=TruncDate("confirmed_at", tzinfo=ZoneInfo(letter.time_zone)))


def source_of() -> Case:
    """Returns how a signature came: the only definition of `source`."""
    return Case(
        When(paper=True, then=Value(Source.PAPER)),
        When(on_evidence=True, then=Value(Source.EVIDENCE)),
        default=Value(Source.WEB),
        output_field=CharField(),
    )
