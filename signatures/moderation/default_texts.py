"""The rejection reasons and questions to signers of a new site."""

from typing import Any

from signatures.models import Question, RejectionReason
from signatures.registries import REJECTION_REASONS

QUESTIONS = {
    "your-name": "Is this the name you want to stand there?",
    "your-organization": "Do you sign for this organization, or only for yourself?",
    "your-role": "Is your role or title written as you use it?",
}


def create_default_texts(**_signal: Any) -> None:
    """Fill each of the two lists that is empty. Called after every migration."""
    if not RejectionReason.objects.exists():
        RejectionReason.objects.bulk_create(
            [RejectionReason(text=text, place=place) for place, text in enumerate(REJECTION_REASONS, start=1)],
            ignore_conflicts=True,
        )
    if not Question.objects.exists():
        Question.objects.bulk_create(
            [Question(code=code, language="en", text=text) for code, text in QUESTIONS.items()], ignore_conflicts=True
        )
