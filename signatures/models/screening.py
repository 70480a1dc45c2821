"""Rate limits with the buckets that count events, blocklists, switches against a flood, and spent proofs of work."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone


class RateLimit(models.Model):
    """How many events of one kind may happen in how many seconds. Staff may change the numbers."""

    class Scope(models.TextChoices):
        NETWORK = "network", "sign-ups from one network (/24 or /64)"
        WIDE_NETWORK = "wide-network", "sign-ups from one wide network (IPv6: /48)"
        MAILBOX = "mailbox", "sign-ups for one mailbox; plus parts and dots in the address are ignored"
        DOMAIN = "domain", "sign-ups with one email domain"
        SITE = "site", "sign-ups on the whole site"
        WORDS = "words", "sign-ups with one name and country"
        GUESS = "guess", "broken personal links from one network"
        REPORT = "report", "reports of public names from one network"
        REPORT_WIDE = "report-wide", "reports of public names from one wide network (IPv6: /48)"
        LOGIN = "login", "failed logins under one name from one network"
        LOGIN_NETWORK = "login-network", "logins from one network"
        LOGIN_WIDE = "login-wide", "logins from one wide network (IPv6: /48)"
        CODE = "code", "second-factor codes for one account, from browsers it has not used before"
        MAIL = "mail", "emails sent by the whole site"
        MAIL_DOMAIN = "mail-domain", "emails sent to one email domain"
        MAIL_FLAGGED = "mail-flagged", "emails to flagged sign-ups, reminders and updates"
        MAIL_FLAGGED_DOMAIN = "mail-flagged-domain", "of these, to one email domain"
        MAIL_SMALL_DOMAIN = "mail-small", "emails sent to one email domain that is no public provider"
        NAME = "name", "sign-ups with one name, from any country, numbers in it ignored"
        COMMENT = "comment", "sign-ups with one comment"
        SMALL_DOMAIN = "small-domain", "sign-ups with one email domain that is no public provider"
        NO_HAND = "no-hand", "sign-ups from one network without script, or faster than a person"

    scope = models.CharField("what", max_length=20, choices=Scope)
    seconds = models.PositiveIntegerField(
        "in how many seconds", validators=[MinValueValidator(1), MaxValueValidator(24 * 60 * 60)]
    )
    max_count = models.PositiveIntegerField("how often at most")
    divisor = models.PositiveSmallIntegerField(
        "tightened: divided by", default=1, db_default=1, editable=False, validators=[MinValueValidator(1)]
    )

    class Meta:
        ordering: ClassVar = ["scope", "seconds"]
        constraints: ClassVar = [
            models.UniqueConstraint("scope", "seconds", name="one_limit_per_time"),
            # The key of the buckets changes every day, and nothing about a network is kept beyond 72 hours (R4).
            models.CheckConstraint(condition=Q(seconds__gte=1, seconds__lte=24 * 60 * 60), name="limit_within_a_day"),
            models.CheckConstraint(condition=Q(divisor__gte=1), name="limit_divided_by_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.max_count} in {self.seconds} s"


class RateBucket(models.Model):
    """The events of one span of time. Its key is a digest under the `DailyKey` of the day on which the span began.

    The function `signatures_count_event` writes it, and tells how the limits slide from span to span.
    """

    key = models.BinaryField(max_length=32, primary_key=True)
    scope = models.CharField(max_length=20)
    count = models.PositiveIntegerField()
    max_count = models.PositiveIntegerField()
    until = models.DateTimeField()  # until when the last one counts; an index would cost each of them a write
    span_end = models.DateTimeField(null=True)
    former_key = models.BinaryField(max_length=32, null=True)  # of the bucket of the span before, if that counted
    former_count = models.PositiveIntegerField(default=0, db_default=0)  # of its events that counted at the last event
    is_over = models.BooleanField(default=False, db_default=False)  # whether the last event was over the limit
    over_count = models.PositiveIntegerField(default=0, db_default=0)  # how many were
    # Of the events within the limit: until when the newest part of the span lasts, how many it has, and when its last
    # one came, in seconds since 1970. Then the same of the parts before.
    part_until = models.FloatField(default=0, db_default=0)
    part_count = models.PositiveIntegerField(default=0, db_default=0)
    part_last = models.FloatField(default=0, db_default=0)
    past_counts = ArrayField(models.IntegerField(), default=list, db_default=[])
    past_lasts = ArrayField(models.FloatField(), default=list, db_default=[])

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return f"{self.scope}: {self.count}"


class DailyKey(models.Model):
    """The random half of the key of one day's digests. It is deleted with the last of them (threat model R12)."""

    day = models.DateField(primary_key=True)
    number = models.BinaryField(max_length=32)

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return self.day.isoformat()


class BlocklistEntry(models.Model):
    """What staff want to review whenever it occurs. It flags, and never refuses (architecture, rule 5)."""

    class Kind(models.TextChoices):
        DOMAIN = "domain", "email domain"
        NETWORK = "network", "network"
        WORD = "word", "word"
        NAME = "name", "exact name"

    MAX_NETWORK_LIFETIME = timedelta(days=30)  # other people may have the network by then
    DEFAULT_NETWORK_LIFETIME = timedelta(hours=72)

    kind = models.CharField("kind", max_length=10, choices=Kind)
    value = models.CharField("what", max_length=200)
    note = models.CharField("why", max_length=200, blank=True)
    is_on = models.BooleanField("switched on", default=False)
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    made_at = models.DateTimeField("made", default=timezone.now, editable=False)
    made_by = models.BigIntegerField("made by staff", null=True, editable=False)

    class Meta:
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
        """Returns no value: Django's own history would keep it, and it may be a name."""
        return f"{self.get_kind_display()} {self.pk}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class SwitchManager(models.Manager["Switch"]):
    def is_on(self, code: str) -> bool:
        return self.filter(code=code, is_on=True).exists()


class Switch(models.Model):
    """What staff can turn on during an attack. Nothing of it refuses anybody. One without a row is off."""

    class Code(models.TextChoices):
        PAUSE_FLAGGED_MAIL = "pause-flagged-mail", "pause emails to flagged sign-ups"
        PROOF_OF_WORK = "proof-of-work", "ask every browser for some seconds of work"

    code = models.CharField(max_length=20, primary_key=True, choices=Code)
    is_on = models.BooleanField(default=False)

    objects = SwitchManager()

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return self.code


class SpentProof(models.Model):
    """A proof of work that somebody used. Until its challenge expires, nobody else can use it."""

    nonce = models.BinaryField(max_length=16, primary_key=True)
    address_hash = models.BinaryField(max_length=32)
    until = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return f"until {self.until}"
