"""The reasons for a rejection and the questions to signers that a new site starts with."""

from typing import Any

from signatures.models import Question, RejectionReason
from signatures.registries import REJECTION_REASONS

QUESTIONS = {
    "your-name": "Is this the name you want to stand there?",
    "your-organization": "Do you sign for this organization, or only for yourself?",
    "your-role": "Is your role or title written as you use it?",
}


def create_default_texts(**_signal: Any) -> None:
    """Called after every migration; leaves alone each list that has any entry."""
    if not RejectionReason.objects.exists():
        RejectionReason.objects.bulk_create(
            [RejectionReason(text=text, place=place) for place, text in enumerate(REJECTION_REASONS, start=1)],
            ignore_conflicts=True,
        )
    if not Question.objects.exists():
        Question.objects.bulk_create(
            [Question(code=code, language="en", text=text) for code, text in QUESTIONS.items()], ignore_conflicts=True
        )
