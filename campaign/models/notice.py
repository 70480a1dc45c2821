"""Notices of staff to all readers, such as "Emails are slow today": from a time to a time, in each language."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaign.models.languages import language_choices


class Notice(models.Model):
    """When a notice is shown on all public pages. Its words are in `NoticeText`, one row for each language."""

    starts_at = models.DateTimeField("shown from", help_text="UTC")
    ends_at = models.DateTimeField("shown until", help_text="UTC")

    class Meta:
        ordering: ClassVar = ["-ends_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="a_notice_ends_after_it_starts",
                violation_error_message="It must end after it starts.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M}"


class NoticeText(models.Model):
    """The words of a notice in one language of the site. Pages in a language that has none show the English ones."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="texts")
    language = models.CharField("language", max_length=10, choices=language_choices, default="en")
    text = models.CharField("text", max_length=300, help_text="One or two sentences, without a link.")

    class Meta:
        verbose_name = "text of the notice"
        verbose_name_plural = "texts of the notice"
        constraints: ClassVar = [models.UniqueConstraint(fields=["notice", "language"], name="one_notice_per_language")]

    def __str__(self) -> str:
        return f"{self.text} ({self.language})"
