"""The whole in figures: how many there are, how much happened in each hour, and what staff should be told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaign.models import Letter


class CountDelta(models.Model):
    """How many signatures came into (+) or left (-) a cell: written by a trigger, search_text by the worker.

    Public ones are told apart by their country, and no others (P4).
    What came to pass with it, in which hour and language, goes into `Activity` with the same fold.
    """

    letter = models.ForeignKey(
        Letter, models.CASCADE, related_name="+", db_index=False
    )  # search_text, it is a few rows
    state = models.CharField(max_length=12)
    visibility = models.CharField(max_length=10)
    flagged = models.BooleanField()
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    number = models.BigIntegerField()
    hour = models.DateTimeField(null=True)
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    what = models.CharField(max_length=10, blank=True, default="", db_default="")

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.pk)


class HourlyStatistic(models.Model):
    """How often something happened to the signatures of a letter in one hour: totals, nobody among them.

    Folded out of the tally, so that it stays when the signatures themselves are pruned or erased.
    """

    class What(models.TextChoices):
        SIGN_UP = "sign-up", "sign-ups"
        CONFIRM = "confirm", "confirmations"
        APPROVE = "approve", "approvals"
        REJECT = "reject", "rejections"
        WITHDRAW = "withdraw", "withdrawals"

    hour = models.DateTimeField()
    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+", db_index=False)  # deleted with its drafts only
    language = models.CharField(max_length=10)
    what = models.CharField(max_length=10, choices=What)
    number = models.BigIntegerField()

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [models.UniqueConstraint("hour", "letter", "language", "what", name="one_sum_an_hour")]

    def __str__(self) -> str:
        return str(self.pk)


class Alarm(models.Model):
    """An alarm of one kind: since when it stands, until when, and who has seen it. Its history is in the trail."""

    code = models.CharField("alarm", max_length=20, primary_key=True)
    sentence = models.CharField("what was found", max_length=300)
    since = models.DateTimeField("since")
    until = models.DateTimeField("active until", help_text="Each check that finds the alarm again moves this forward.")
    seen_by = models.BigIntegerField("seen by staff", null=True)

    class Meta:
        verbose_name = "alarm"
        verbose_name_plural = "alarms"
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [
            ("pause_signing", "Can pause signing"),
            ("turn_switches", "Can resume signing, and tighten and loosen the rate limits"),
        ]
        ordering: ClassVar = ["-until"]

    def __str__(self) -> str:
        return self.code
