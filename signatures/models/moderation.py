"""Rejection reasons, and questions that staff may ask signers."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaign.models.languages import language_choices
from signatures.registries.reasons import RejectionCode


class RejectionReason(models.Model):
    """A reason for a rejection that staff can choose from a list."""

    text = models.CharField("reason", max_length=200, unique=True)
    code = models.CharField(
        "what the signer is told", max_length=20, choices=RejectionCode, default=RejectionCode.OTHER, db_default="other"
    )
    place = models.PositiveSmallIntegerField("place in the list", default=100)

    class Meta:
        ordering: ClassVar = ["place", "text"]

    def __str__(self) -> str:
        return self.text


class QuestionManager(models.Manager["Question"]):
    def in_language(self, code: str, language: str) -> Question | None:
        """Returns the question in this language, else in English, else in any; None if the code is unknown."""
        found = {row.language: row for row in self.filter(code=code)}
        return found.get(language) or found.get("en") or next(iter(found.values()), None)


class Question(models.Model):
    """A question that staff may ask a signer, in one language. It names neither the letter nor its recipient."""

    code = models.SlugField("code", max_length=40, help_text="The same in every language.")
    language = models.CharField("language", max_length=10, choices=language_choices, default="en")
    text = models.CharField("question", max_length=300)

    objects = QuestionManager()

    class Meta:
        verbose_name = "question to signers"
        verbose_name_plural = "questions to signers"
        ordering: ClassVar = ["code", "language"]
        constraints: ClassVar = [models.UniqueConstraint("code", "language", name="one_question_per_language")]

    def __str__(self) -> str:
        return self.text
