"""What staff may change: reasons, questions, limits; and the buckets that the limits fill."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
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
        LOGIN = "login", _("failed logins under one name from one network")
        MAIL = "mail", _("mails sent by the whole site")
        MAIL_DOMAIN = "mail-domain", _("mails sent to one mail domain")

    of = models.CharField(_("what"), max_length=20, choices=Of)
    seconds = models.PositiveIntegerField(
        _("in how many seconds"), validators=[MinValueValidator(1), MaxValueValidator(24 * 60 * 60)]
    )
    most = models.PositiveIntegerField(_("how often at most"))

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering: ClassVar = ["of", "seconds"]
        constraints: ClassVar = [
            models.UniqueConstraint("of", "seconds", name="one_limit_per_time"),
            # The key of the buckets changes every day, and nothing of a network is kept beyond 72 hours (R4).
            models.CheckConstraint(condition=Q(seconds__gte=1, seconds__lte=24 * 60 * 60), name="limit_within_a_day"),
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
