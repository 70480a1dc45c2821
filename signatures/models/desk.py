"""What staff may change: reasons, questions, limits; and the buckets that the limits fill."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class RejectionReason(models.Model):
    """A reason that staff choose instead of writing it anew."""

    text = models.CharField(_("reason"), max_length=200, unique=True)
    place = models.PositiveSmallIntegerField(_("place in the list"), default=100)

    class Meta:
        verbose_name = _("reason for a rejection")
        verbose_name_plural = _("reasons for a rejection")
        ordering: ClassVar = ["place", "text"]

    def __str__(self) -> str:
        return self.text


class QuestionManager(models.Manager["Question"]):
    def in_language(self, code: str, language: str) -> Question | None:
        """The question in this language, else in English, else in any."""
        found = {row.language: row for row in self.filter(code=code)}
        return found.get(language) or found.get("en") or next(iter(found.values()), None)


class Question(models.Model):
    """A question that staff may ask a signer, in one language. Neutral: it names neither letter nor recipient."""

    code = models.SlugField(_("code"), max_length=40, help_text=_("The same in every language."))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    text = models.CharField(_("question"), max_length=300)

    objects = QuestionManager()

    class Meta:
        verbose_name = _("question to signers")
        verbose_name_plural = _("questions to signers")
        ordering: ClassVar = ["code", "language"]
        constraints: ClassVar = [models.UniqueConstraint("code", "language", name="one_question_per_language")]

    def __str__(self) -> str:
        return self.text


class Limit(models.Model):
    """How often in how long something may happen before it is looked at. Staff may change the figures."""

    class Of(models.TextChoices):
        NETWORK = "network", _("sign-ups from one network (/24 or /64)")
        MAILBOX = "mailbox", _("sign-ups for one mailbox")
        DOMAIN = "domain", _("sign-ups with one mail domain")
        SITE = "site", _("sign-ups on the whole site")
        WORDS = "words", _("sign-ups with one name and country")
        GUESS = "guess", _("broken personal links from one network")
        REPORT = "report", _("reports of public names from one network")
        LOGIN = "login", _("failed logins under one name from one network")
        LOGIN_NETWORK = "login-network", _("logins from one network, told one by one in the trail")
        MAIL = "mail", _("mails sent by the whole site")
        MAIL_DOMAIN = "mail-domain", _("mails sent to one mail domain")
        NAME = "name", _("sign-ups with one name, from any country, whatever numbers stand in it")
        COMMENT = "comment", _("sign-ups with one comment")
        SMALL_DOMAIN = "small-domain", _("sign-ups with one mail domain that is no provider for everybody")
        NO_HAND = "no-hand", _("sign-ups from one network without script, or too quick for a hand")

    of = models.CharField(_("what"), max_length=20, choices=Of)
    seconds = models.PositiveIntegerField(
        _("in how many seconds"), validators=[MinValueValidator(1), MaxValueValidator(24 * 60 * 60)]
    )
    most = models.PositiveIntegerField(_("how often at most"))
    divisor = models.PositiveSmallIntegerField(
        _("tightened: divided by"), default=1, db_default=1, editable=False, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering: ClassVar = ["of", "seconds"]
        constraints: ClassVar = [
            models.UniqueConstraint("of", "seconds", name="one_limit_per_time"),
            # The key of the buckets changes every day, and nothing of a network is kept beyond 72 hours (R4).
            models.CheckConstraint(condition=Q(seconds__gte=1, seconds__lte=24 * 60 * 60), name="limit_within_a_day"),
            models.CheckConstraint(condition=Q(divisor__gte=1), name="limit_divided_by_a_number"),
        ]

    def __str__(self) -> str:
        return f"{self.of}: {self.most} in {self.seconds} s"


class Bucket(models.Model):
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


class Block(models.Model):
    """What staff want to look at whenever it comes. It flags, and never refuses (DESIGN.md, rule 5)."""

    class Kind(models.TextChoices):
        DOMAIN = "domain", _("mail domain")
        NETWORK = "network", _("network")
        WORD = "word", _("word")
        NAME = "name", _("exact name")

    LONGEST = timedelta(days=30)  # for networks, which others will have by then
    USUAL = timedelta(hours=72)

    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    value = models.CharField(_("what"), max_length=200)
    note = models.CharField(_("why"), max_length=200, blank=True)
    is_on = models.BooleanField(_("switched on"), default=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    made_by = models.BigIntegerField(_("made by staff"), null=True, editable=False)

    class Meta:
        verbose_name = _("block")
        verbose_name_plural = _("block lists")
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
