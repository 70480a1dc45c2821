"""Letters, their revisions and the translations of each revision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from campaign.letters import text

CONFIRM_AFTER_CLOSING = timedelta(hours=24)  # how long sign-ups may still be confirmed after closing


class LetterQuerySet(models.QuerySet["Letter"]):
    def published(self) -> LetterQuerySet:
        """Returns the letters that the public may read."""
        return self.exclude(state=Letter.State.DRAFT)

    def current(self) -> Letter | None:
        """Returns the letter of the home page: the newest open one, else the newest published one."""
        now = timezone.now()
        is_open = models.Case(
            models.When(
                models.Q(state=Letter.State.OPEN)
                & (models.Q(opens_at__isnull=True) | models.Q(opens_at__lte=now))
                & (models.Q(closes_at__isnull=True) | models.Q(closes_at__gt=now)),
                then=0,
            ),
            default=1,
        )
        return self.published().order_by(is_open, "-created_at").first()


def check_letterhead(head: Any) -> None:
    """Check the structure of a letterhead: name, address, telephone, web, board (see campaign/letters/content/).

    Raises:
        ValidationError: if the structure is wrong.
    """
    is_valid = (
        isinstance(head, dict)
        and all(isinstance(head.get(key, ""), str) for key in ("name", "telephone", "web", "board_title"))
        and all(isinstance(head.get(key, []), list) for key in ("address", "board"))
        and all(isinstance(line, str) for line in head.get("address", []))
        and all(
            isinstance(member, dict)
            and isinstance(member.get("name"), str)
            and isinstance(member.get("office", ""), str)
            for member in head.get("board", [])
        )
    )
    if not is_valid:
        raise ValidationError('Please write {"name": "…", "address": ["…"], "board": [{"name": "…", "office": "…"}]}.')


class Letter(models.Model):
    """An open letter: sender and recipient. Its text is in the translations of its revisions."""

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        PAUSED = "paused", "paused"
        CLOSED = "closed", "closed"

    class Moderation(models.TextChoices):
        BEFORE = "before", "names appear once they are approved"
        AFTER = "after", "names without a flag appear at once"

    class Order(models.TextChoices):
        NAME = "name", "by name, script by script"
        COUNTRY = "country", "by country, then by name"
        DAY = "day", "by the day of approval, newest first"

    slug = models.SlugField(
        "slug", unique=True, help_text="Part of the letter's address. Do not change it once the letter is public."
    )
    recipient = models.CharField("recipient", max_length=200)
    state = models.CharField("state", max_length=10, choices=State, default=State.DRAFT)
    moderation = models.CharField("moderation", max_length=10, choices=Moderation, default=Moderation.BEFORE)
    goal = models.PositiveIntegerField(
        "goal", default=0, help_text="How many signatures are hoped for; 0 shows no goal."
    )
    opens_at = models.DateTimeField("opens at", null=True, blank=True)
    closes_at = models.DateTimeField(
        "closes at", null=True, blank=True, help_text="People who signed before can still confirm for 24 hours."
    )
    # Of its deliveries. The retention period starts on this day; only steps of a delivery write both.
    acknowledged_on = models.DateField("acknowledged on", null=True, editable=False)
    acknowledged_at = models.DateTimeField("acknowledgment recorded at", null=True, editable=False)
    order = models.CharField(
        "order of the names",
        max_length=10,
        choices=Order,
        default=Order.NAME,
        db_default=Order.NAME,
        help_text="In the delivered letter.",
    )
    signers_per_mailbox = models.PositiveSmallIntegerField(
        "people per mailbox",
        choices=[(1, "one"), (2, "two, if their names differ")],
        default=2,
        db_default=2,
        help_text="How many people may sign from one email address. Couples often share one.",
    )
    letterhead = models.JSONField("letterhead", default=dict, blank=True, validators=[check_letterhead])
    created_at = models.DateTimeField("created at", auto_now_add=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "open", "paused", "closed"]), name="letter_state_is_known"
            ),
            models.CheckConstraint(condition=models.Q(signers_per_mailbox__in=[1, 2]), name="one_or_two_per_mailbox"),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Set the closing time when staff close the letter by hand: the 24 hours to confirm start now."""
        now = timezone.now()
        if self.state == Letter.State.CLOSED and (self.closes_at is None or self.closes_at > now):
            self.closes_at = now
            if kwargs.get("update_fields"):
                kwargs["update_fields"] = {*kwargs["update_fields"], "closes_at"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError({"closes_at": "It cannot close before it opens."})
        if self.state == Letter.State.OPEN and self.closes_at and self.closes_at <= timezone.now():
            raise ValidationError({"closes_at": "To open the letter again, give a later time or none."})

    def current_state(self, now: datetime | None = None) -> Letter.State:
        """Returns the state at this moment: `paused` before the opening time, `closed` after the closing time."""
        now = now or timezone.now()
        if self.state in {Letter.State.OPEN, Letter.State.PAUSED} and self.closes_at and self.closes_at <= now:
            return Letter.State.CLOSED
        if self.state == Letter.State.OPEN and self.opens_at and self.opens_at > now:
            return Letter.State.PAUSED
        return Letter.State(self.state)

    def takes_confirmations(self, now: datetime | None = None) -> bool:
        """Returns whether sign-ups can be confirmed: until 24 hours after closing, also while signing is paused."""
        now = now or timezone.now()
        if self.current_state(now) != Letter.State.CLOSED:
            return self.state != Letter.State.DRAFT
        return self.closes_at is not None and now < self.closes_at + CONFIRM_AFTER_CLOSING


class Revision(models.Model):
    """One wording of a letter in its authoritative language, with the texts that translate it.

    A changed wording is a new revision. A corrected translation is a further text of the revision that it translates.
    """

    letter = models.ForeignKey(Letter, models.CASCADE, related_name="revisions", verbose_name="letter")
    number = models.PositiveIntegerField("number")
    created_at = models.DateTimeField("created at", auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint("letter", "number", name="one_revision_per_number")]

    def __str__(self) -> str:
        return f"{self.letter_id}/{self.number}"


class TranslationQuerySet(models.QuerySet["Translation"]):
    def published(self) -> Self:
        """Returns the texts that readers may see: those that were published and not taken back."""
        return self.filter(published_at__isnull=False, taken_back_at__isnull=True)

    def drafts(self) -> Self:
        return self.filter(published_at__isnull=True)

    def of_language(self, letter: Letter, language: str) -> Self:
        """Returns the texts of a letter in one language, the newest first."""
        texts = self.filter(revision__letter=letter, language=language).select_related("revision")
        return texts.order_by("-revision__number", "-published_at", "-pk")

    def shown(self, slug: str) -> list[Translation]:
        """Returns the texts that readers see: the newest published one of each language, the authoritative one first.

        Nothing else decides which text a reader sees, so publishing one language never takes another one away. Each
        text has `authoritative_language`, and `wording_day`: the day of the wording that it translates, if that is no
        longer the newest wording, else None.
        """
        letters = Letter.objects.published().filter(slug=slug)
        published = self.published().filter(revision__letter__in=letters)
        wording = published.filter(revision=models.OuterRef("revision"), authoritative=True)
        newest = (
            published.order_by("language", "-revision__number", "-published_at", "-pk")
            .distinct("language")
            .annotate(
                wording_digest=models.Subquery(wording.values("digest")[:1]),
                wording_published_at=models.Subquery(wording.values("published_at")[:1]),
            )
            .select_related("revision__letter")
        )
        rows: list[Any] = sorted(newest, key=lambda row: (not row.authoritative, -row.revision.number, row.pk))
        for row in rows:
            row.authoritative_language = rows[0].language if rows[0].authoritative else None
            is_earlier = row.wording_digest not in {None, rows[0].digest}
            row.wording_day = row.wording_published_at.date() if is_earlier else None
        return rows

    def newest(self, slug: str, language: str) -> Translation | None:
        """Returns the text of a letter that readers of this language see; None before anything is published."""
        return in_language(self.shown(slug), language)


def in_language(shown: Sequence[Translation], language: str) -> Translation | None:
    """Returns the text in this language, else the authoritative one. The texts are those of `shown`."""
    return next((text for text in shown if text.language == language), shown[0] if shown else None)


class Translation(models.Model):
    """A text of a revision: the wording itself, or a translation of it. Published, a trigger refuses any change."""

    TEXT_FIELDS = ("title", "date", "addressee", "salutation", "body", "closing", "signatories")
    DETAIL_FIELDS = ("recipient", "authoritative", "unofficial")  # not part of the text and its digest

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="translations", verbose_name="revision")
    language = models.CharField("language", max_length=10)
    title = models.CharField("title", max_length=200)
    date = models.CharField("date", max_length=50, help_text="As printed on the letter.")
    addressee = models.TextField("addressee", help_text="One line each.")
    salutation = models.CharField("salutation", max_length=200)
    body = models.TextField("body", help_text="Paragraphs, lists, quotes, *emphasis*, **strong**.")
    closing = models.CharField("closing", max_length=200)
    signatories = models.JSONField("original signatories", default=list, help_text='[{"name": "…", "titles": ["…"]}]')
    recipient = models.CharField(
        "recipient",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="As used within a sentence of this language. If empty, the recipient of the letter is used.",
    )
    authoritative = models.BooleanField("authoritative", default=False)
    unofficial = models.BooleanField(
        "unofficial draft",
        default=False,
        db_default=False,
        help_text="The page says so. It cannot be changed once the text is published.",
    )
    published_at = models.DateTimeField("published at", null=True, blank=True, editable=False)
    # Published by mistake, and soon off the page again. The row stays as it is: a signature may have slipped through.
    taken_back_at = models.DateTimeField("taken back at", null=True, editable=False)
    digest = models.CharField("digest", max_length=64, editable=False)

    objects = TranslationQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "revision", "language", name="one_draft_per_language", condition=models.Q(published_at__isnull=True)
            ),
            models.UniqueConstraint(
                "revision",
                name="one_wording_per_revision",
                condition=models.Q(authoritative=True, published_at__isnull=False, taken_back_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=~models.Q(authoritative=True, unofficial=True),
                name="an_authoritative_text_is_official",
                violation_error_message="An authoritative text cannot be an unofficial draft.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.language})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.digest = text.digest(self.parts())
        super().save(*args, **kwargs)

    @property
    def recipient_name(self) -> str:
        """The recipient, as used within a sentence of this language."""
        return self.recipient or self.revision.letter.recipient

    def parts(self) -> list[str]:
        """Returns the parts of the text in the order of the canonical form (`text.canonical`)."""
        signatories = "\n\n".join("\n".join([person["name"], *person["titles"]]) for person in self.signatories)
        return [self.title, self.date, self.addressee, self.salutation, self.body, self.closing, signatories]

    def text_values(self) -> dict[str, Any]:
        return {field: getattr(self, field) for field in self.TEXT_FIELDS}
