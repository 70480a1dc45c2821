"""What staff may change: reasons, questions, limits; and the buckets that the limits fill."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class RateLimit(models.Model):
    """How often in how long something may happen before it is looked at. Staff may change the figures."""

    class Of(models.TextChoices):
        NETWORK = "network", "sign-ups from one network (/24 or /64)"
        MAILBOX = "mailbox", "sign-ups for one mailbox"
        DOMAIN = "domain", "sign-ups with one email domain"
        SITE = "site", "sign-ups on the whole site"
        WORDS = "words", "sign-ups with one name and country"
        GUESS = "guess", "broken personal links from one network"
        REPORT = "report", "reports of public names from one network"
        LOGIN = "login", "failed logins under one name from one network"
        LOGIN_NETWORK = "login-network", "logins from one network, told one by one in the trail"
        MAIL = "mail", "emails sent by the whole site"
        MAIL_DOMAIN = "mail-domain", "emails sent to one email domain"
        NAME = "name", "sign-ups with one name, from any country, whatever numbers stand in it"
        COMMENT = "comment", "sign-ups with one comment"
        SMALL_DOMAIN = "small-domain", "sign-ups with one email domain that is no provider for everybody"
        NO_HAND = "no-hand", "sign-ups from one network without script, or too quick for a hand"

    of = models.CharField("what", max_length=20, choices=Of)
    seconds = models.PositiveIntegerField(
        "in how many seconds", validators=[MinValueValidator(1), MaxValueValidator(24 * 60 * 60)]
    )
    most = models.PositiveIntegerField("how often at most")
    divisor = models.PositiveSmallIntegerField(
        "tightened: divided by", default=1, db_default=1, editable=False, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = "rate limit"
        verbose_name_plural = "rate limits"
        ordering: ClassVar = ["of", "seconds"]
        constraints: ClassVar = [
            models.UniqueConstraint("of", "seconds", name="one_limit_per_time"),
            # The key of the buckets changes every day, and nothing of a network is kept beyond 72 hours (R4).
            models.CheckConstraint(condition=Q(seconds__gte=1, seconds__lte=24 * 60 * 60), name="limit_within_a_day"),
            models.CheckConstraint(condition=Q(divisor__gte=1), name="limit_divided_by_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.of}: {self.most} in {self.seconds} s"


class RateBucket(models.Model):
    """How often it happened in one span of time. Whose bucket it is, only a key of that day could tell."""

    key = models.BinaryField(max_length=32, primary_key=True)
    of = models.CharField(max_length=20)
    n = models.PositiveIntegerField()
    most = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return f"{self.of}: {self.n}"


class BlocklistEntry(models.Model):
    """What staff want to look at whenever it comes. It flags, and never refuses (DESIGN.md, rule 5)."""

    class Kind(models.TextChoices):
        DOMAIN = "domain", "email domain"
        NETWORK = "network", "network"
        WORD = "word", "word"
        NAME = "name", "exact name"

    LONGEST = timedelta(days=30)  # for networks, which others will have by then
    USUAL = timedelta(hours=72)

    kind = models.CharField("kind", max_length=10, choices=Kind)
    value = models.CharField("what", max_length=200)
    note = models.CharField("why", max_length=200, blank=True)
    is_on = models.BooleanField("switched on", default=False)
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    made_at = models.DateTimeField("made", default=timezone.now, editable=False)
    made_by = models.BigIntegerField("made by staff", null=True, editable=False)

    class Meta:
        verbose_name = "blocklist entry"
        verbose_name_plural = "blocklists"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=["domain", "network", "word", "name"]), name="block_is_known"),
            models.CheckConstraint(
                condition=~Q(kind="network")
                | Q(expires_at__isnull=False, expires_at__lte=F("made_at") + timedelta(days=30)),
                name="a_blocked_network_expires",
            ),
        ]

    def __str__(self) -> str:
        """No value: Django's own history would keep it, and it may be a name."""
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()
