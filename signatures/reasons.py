"""The reasons for a rejection that a new site starts with."""

from typing import Any

from signatures.models import RejectionReason

DEFAULTS = [
    "Not a name",
    "The name of somebody else",
    "Insult, mockery or threat",
    "Advertising",
    "Signed twice",
    "Does not speak for this organisation",
]


def make_reasons(**_signal: Any) -> None:
    """Called after every migration; leaves alone a list that has any entry."""
    if not RejectionReason.objects.exists():
        RejectionReason.objects.bulk_create(
            [RejectionReason(text=text, place=place) for place, text in enumerate(DEFAULTS, start=1)],
            ignore_conflicts=True,
        )
