"""The rows of the people who sign: signatures, mails to them, and what was done with them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from campaign.models import Letter, Translation


class State(models.TextChoices):
    UNCONFIRMED = "unconfirmed", _("unconfirmed")
    WAITING = "waiting", _("waiting")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Audience(models.TextChoices):
    PUBLIC = "public", _("on this website and in the delivered letter")
    DELIVERY = "delivery", _("in the delivered letter only")
    COUNTED = "counted", _("nowhere: count me without my name")


class Kind(models.TextChoices):
    PERSON = "person", _("a person")
    ORGANISATION = "organisation", _("an organisation")


class SignatureQuerySet(models.QuerySet["Signature"]):
    """The named sets. Nothing else decides what may be shown or what is delivered."""

    def public(self) -> SignatureQuerySet:
        """The only definition of "may be shown"."""
        return self.filter(state=State.APPROVED, visibility=Audience.PUBLIC)

    def deliverable(self) -> SignatureQuerySet:
        """The only definition of "is named in the delivery"."""
        return self.filter(state=State.APPROVED, visibility__in=[Audience.PUBLIC, Audience.DELIVERY])

    def newest_first(self) -> SignatureQuerySet:
        """By the day of approval, then by a random id: never by the moment or the sequence of signing (P3)."""
        return self.order_by("-approved_on", "public_id")


class Signature(models.Model):
    """One mailbox's answer to one letter. Holds no address: only a keyed hash that finds it again."""

    WORDS = ("name", "role", "organisation", "comment")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    letter = models.ForeignKey(
        Letter, models.PROTECT, related_name="signatures", verbose_name=_("letter"), db_index=False
    )  # the indexes below begin with it; each further one is paid for by every signature
    translation = models.ForeignKey(
        Translation, models.PROTECT, related_name="signatures", verbose_name=_("text"), db_index=False
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.PERSON)
    mailbox_key = models.BinaryField(max_length=32, null=True, editable=False)
    paper = models.BooleanField(default=False, editable=False)

    name = models.CharField(_("name"), max_length=200, blank=True)
    role = models.CharField(_("role"), max_length=200, blank=True)
    organisation = models.CharField(_("organisation"), max_length=200, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    comment = models.TextField(_("comment"), max_length=1000, blank=True)
    likeness = models.CharField(max_length=200, blank=True, editable=False, default="", db_default="")  # once confirmed
    visibility = models.CharField(_("audience"), max_length=10, choices=Audience)
    language = models.CharField(_("language"), max_length=10)
    sealed_address = models.BinaryField(null=True, editable=False)

    state = models.CharField(_("state"), max_length=12, choices=State, default=State.UNCONFIRMED)
    flags = ArrayField(models.CharField(max_length=20), verbose_name=_("flags"), default=list, blank=True)
    notable = models.PositiveSmallIntegerField(_("place among the notable"), null=True, editable=False)
    signed_up_at = models.DateTimeField(_("signed up"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    approved_on = models.DateField(_("approved"), null=True)
    question = models.CharField(max_length=40, blank=True, editable=False, default="", db_default="")

    objects = SignatureQuerySet.as_manager()

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("moderate_signature", "Can approve, reject and undo")]
        constraints: ClassVar = [
            models.UniqueConstraint("letter", "kind", "mailbox_key", name="one_signature_per_mailbox"),
            models.CheckConstraint(
                condition=Q(mailbox_key__isnull=False) | Q(paper=True), name="a_mailbox_unless_on_paper"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.UNCONFIRMED, State.WITHDRAWN])
                | Q(confirmed_at__isnull=False)
                | Q(paper=True),
                name="nothing_moves_before_confirmation",
            ),
            models.CheckConstraint(
                condition=Q(name="", role="", organisation="", comment="", likeness="")
                | (~Q(state=State.WITHDRAWN) & (~Q(visibility=Audience.COUNTED) | Q(confirmed_at__isnull=True))),
                name="counted_and_withdrawn_have_no_words",
            ),
            models.CheckConstraint(condition=Q(notable__isnull=True) | ~Q(name=""), name="a_notable_has_a_name"),
            models.CheckConstraint(
                condition=~Q(state=State.APPROVED) | Q(approved_on__isnull=False), name="approved_on_a_day"
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="signature_state_is_known"),
            models.CheckConstraint(condition=Q(visibility__in=Audience.values), name="audience_is_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="kind_is_known"),
        ]
        indexes: ClassVar = [
            models.Index(
                "letter",
                models.F("approved_on").desc(),
                "public_id",
                name="public_newest",
                condition=Q(state="approved", visibility="public"),
            ),
            models.Index(
                "letter",
                "country",
                models.F("approved_on").desc(),
                "public_id",
                name="public_by_country",
                condition=Q(state="approved", visibility="public"),
            ),
            models.Index(fields=["letter", "state", "-signed_up_at"], name="by_state"),
            models.Index("signed_up_at", name="by_day"),
            # Two ways into the queue: what needs a person first, then the oldest; and all of that, without flags.
            models.Index(
                models.Case(models.When(flags=[], then=1), default=0),
                "signed_up_at",
                "id",
                name="queue",
                condition=Q(state="waiting"),
            ),
            models.Index("likeness", name="alike", condition=~Q(likeness="")),
            GinIndex(
                SearchVector("likeness", "role", "organisation", config="simple"),
                name="found_by_words",
                condition=~Q(likeness=""),
            ),
            models.Index("letter", "notable", name="notables", condition=Q(notable__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Waiting(Signature):
    """The queue: what waits for a person."""

    class Meta:
        proxy = True
        verbose_name = _("waiting signature")
        verbose_name_plural = _("waiting signatures")
        default_permissions: ClassVar = []


class SignedLetter(Letter):
    """A letter as the delivery desk sees it: with its signatures."""

    class Meta:
        proxy = True
        verbose_name = _("signed letter")
        verbose_name_plural = _("signed letters")
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("export_signedletter", "Can export the signed letter")]


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


class Tally(models.Model):
    """How many signatures came into (+) or left (-) a cell: written by a trigger, folded by the worker."""

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="+", db_index=False)  # folded, it is a few rows
    state = models.CharField(max_length=12)
    visibility = models.CharField(max_length=10)
    flagged = models.BooleanField()
    number = models.BigIntegerField()

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.pk)


class Mail(models.Model):
    """The outbox: a mail that is due, with its recipient sealed; once sent or given up, without one."""

    class Kind(models.TextChoices):
        LINK = "link", "personal link"
        REMINDER = "reminder", "reminder to confirm"
        QUESTION = "question", "question of staff"

    signature = models.ForeignKey(Signature, models.CASCADE, related_name="mails")
    kind = models.CharField(max_length=20, choices=Kind)
    language = models.CharField(max_length=10)
    recipient = models.BinaryField(null=True)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=40, blank=True)

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(recipient__isnull=True), name="sent_mail_names_nobody"
            ),
            models.CheckConstraint(condition=Q(kind__in=["link", "reminder", "question"]), name="mail_kind_is_known"),
        ]
        indexes: ClassVar = [
            models.Index("due_at", name="mail_due", condition=Q(recipient__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class MailSubject(models.Model):
    """The subject of a mail, where staff want another than ours. It stands on the screen of a seized phone."""

    class Of(models.TextChoices):
        LINK = "link", _("the link to confirm")
        ALREADY = "already", _("the link to a signature that is confirmed")
        REMINDER = "reminder", _("the reminder to confirm")
        QUESTION = "question", _("that staff have a question")

    mail = models.CharField(_("mail"), max_length=20, choices=Of)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES)
    subject = models.CharField(
        _("subject"), max_length=80, help_text=_("Neutral: it names neither the letter nor its recipient.")
    )

    class Meta:
        verbose_name = _("subject of a mail")
        verbose_name_plural = _("subjects of mails")
        constraints: ClassVar = [models.UniqueConstraint("mail", "language", name="one_subject_per_mail")]

    def __str__(self) -> str:
        return f"{self.mail} ({self.language})"


class Silence(models.Model):
    """A mailbox whose owner said "this was not me": no mail goes there until this time."""

    mailbox_key = models.BinaryField(max_length=32, primary_key=True)
    until = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d}"


class Tombstone(models.Model):
    """What was erased, and when: a signature from before this time never comes back out of a backup (R8)."""

    letter_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    mailbox_key = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []
        constraints: ClassVar = [models.UniqueConstraint("letter_id", "kind", "mailbox_key", name="one_tombstone")]

    def __str__(self) -> str:
        return str(self.pk)


class Limit(models.Model):
    """How often in how long something may happen before it is looked at. Staff may change the figures."""

    class Of(models.TextChoices):
        NETWORK = "network", _("sign-ups from one network (/24 or /64)")
        MAILBOX = "mailbox", _("sign-ups for one mailbox")
        DOMAIN = "domain", _("sign-ups with one mail domain")
        SITE = "site", _("sign-ups on the whole site")
        WORDS = "words", _("sign-ups with one name and country")
        GUESS = "guess", _("broken personal links from one network")
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


class TrailEntry(models.Model):
    """What was done, when, by whom, why. Append-only (by a trigger); plain ids, so that rows can be erased."""

    at = models.DateTimeField(_("when"), auto_now_add=True)
    action = models.CharField(_("action"), max_length=30)
    staff_id = models.BigIntegerField(_("staff"), null=True)
    letter_id = models.BigIntegerField(_("letter"), null=True)
    signature_id = models.BigIntegerField(_("signature"), null=True)
    was = models.CharField(_("state before"), max_length=12, blank=True)
    now = models.CharField(_("state after"), max_length=12, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    detail = models.JSONField(_("detail"), default=dict)

    class Meta:
        verbose_name = _("trail entry")
        verbose_name_plural = _("trail")
        default_permissions: ClassVar = ["view"]
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["signature_id", "-id"], name="trail_of_signature")]

    def __str__(self) -> str:
        return str(self.pk)
