"""The rejection reasons and questions to signers of a new site, from `default_texts.toml`."""

import tomllib
from pathlib import Path
from typing import Any

from signatures.models import Question, RejectionReason


def create_default_texts(**_signal: Any) -> None:
    """Fill each of the two lists that is empty. Called after every migration."""
    texts = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    if not RejectionReason.objects.exists():
        rows = [
            RejectionReason(code=code, text=text, place=place)
            for place, (code, text) in enumerate(texts["rejection_reasons"].items(), start=1)
        ]
        RejectionReason.objects.bulk_create(rows, ignore_conflicts=True)
    if not Question.objects.exists():
        questions = [Question(code=code, language="en", text=text) for code, text in texts["questions"].items()]
        Question.objects.bulk_create(questions, ignore_conflicts=True)
