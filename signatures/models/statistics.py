"""Counts, hourly statistics and alarms."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from campaign.models import Letter
from signatures.models.base import NextMinute, UnnamedModel


class CountDelta(UnnamedModel):
    """How many signatures entered (+) or left (-) a cell. Written by a trigger; the worker folds deltas into one row.

    A cell is a letter, state, visibility, kind and whether there is a flag. Only public signatures are counted by
    country, too, so that nobody else can be found by subtraction (P4).
    One without a state counts a submission that arrived: an event alone.
    A delta also says what happened, in which hour and language, and in which country, if that is counted. That goes
    into `HourlyStatistic` and `CountryStatistic` with the same fold.
    """

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+", db_index=False)  # no index: it is a few rows
    state = models.CharField(max_length=12, blank=True)
    visibility = models.CharField(max_length=10)
    flagged = models.BooleanField()
    country = models.CharField(max_length=2, blank=True, default="", db_default="")
    kind = models.CharField(max_length=12, blank=True, default="", db_default="")
    number = models.BigIntegerField()
    hour = models.DateTimeField(null=True)
    language = models.CharField(max_length=10, blank=True, default="", db_default="")
    event = models.CharField(max_length=10, blank=True, default="", db_default="")
    # As in `CountryStatistic`; None where its event is not counted by country.
    event_country = models.CharField(max_length=2, null=True, blank=True)  # noqa: DJ001  "" is for none given
    # The minute from which the public counts may have it (S38); None when it is folded, and long public.
    counts_from = models.DateTimeField(null=True, db_default=NextMinute())

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.CheckConstraint(condition=Q(state="") | ~Q(kind=""), name="a_cell_has_a_kind")]


class HourlyStatistic(UnnamedModel):
    """How often an event happened to the signatures of a letter in one hour: totals, without any person.

    Folded from the count deltas, so that the totals stay when the signatures are pruned or erased.
    """

    class Event(models.TextChoices):
        SIGN_UP = "sign-up", "sign-ups"
        CONFIRM = "confirm", "confirmations"
        APPROVE = "approve", "approvals"
        REJECT = "reject", "rejections"
        WITHDRAW = "withdraw", "withdrawals"
        PAPER = "paper", "from paper"

    hour = models.DateTimeField()
    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+", db_index=False)  # deleted only with a draft
    language = models.CharField(max_length=10)
    event = models.CharField(max_length=10, choices=Event)
    number = models.BigIntegerField()

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint("hour", "letter", "language", "event", name="one_sum_an_hour")]


class CountryStatistic(UnnamedModel):
    """How often an event happened to signatures from a country, since the letter is open: without any time.

    With an hour or a week beside it, a country that is rare would tell when its one signer came, for ever. A delivery
    keeps the numbers of its own moment. Approvals, rejections and what is on paper are counted from rows that stay.
    The country is that of signatures for the public list alone (threat model P4).
    """

    NOT_PUBLIC = "-"  # the country of all others; "" is for none given
    EVENTS: ClassVar = [HourlyStatistic.Event.SIGN_UP, HourlyStatistic.Event.CONFIRM, HourlyStatistic.Event.WITHDRAW]

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+", db_index=False)  # deleted only with a draft
    country = models.CharField(max_length=2, blank=True)
    event = models.CharField(max_length=10, choices=HourlyStatistic.Event)
    number = models.BigIntegerField()

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint("letter", "country", "event", name="one_sum_a_country")]


class Alarm(models.Model):
    """The latest occurrence of one kind of alarm. The audit log has the former ones."""

    code = models.CharField("alarm", max_length=20, primary_key=True)
    sentence = models.CharField("what was found", max_length=300)
    since = models.DateTimeField("since")
    until = models.DateTimeField("active until", help_text="Each check that finds the alarm again moves this forward.")
    seen_by = models.BigIntegerField("seen by staff", null=True)
    announced_to = ArrayField(models.CharField(max_length=10), editable=False, default=list, db_default=[])

    class Meta:
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [
            ("pause_signing", "Can pause signing"),
            ("turn_switches", "Can resume signing, and tighten and loosen the rate limits"),
        ]
        ordering: ClassVar = ["-until"]

    def __str__(self) -> str:
        return self.code
