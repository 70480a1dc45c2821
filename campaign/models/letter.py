"""Letters: who sends one to whom, its state and its settings. Their texts are in `texts.py`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from campaign.letters.colors import legible_on_paper

SLUG_TAKEN = "Another letter has or had this address: links to it lead there for ever. Please choose another."
CONFIRM_AFTER_CLOSING = timedelta(hours=24)  # how long sign-ups may still be confirmed after closing


class LetterQuerySet(models.QuerySet["Letter"]):
    def published(self) -> LetterQuerySet:
        """Returns the letters that the public may read."""
        return self.exclude(state=Letter.State.DRAFT)

    def listed(self) -> LetterQuerySet:
        """Returns the letters of the index, the one of the home page first: public with a text, and not archived.

        The home page has the letter that staff put there last, else the newest open one, else the newest one.
        """
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
        text = "revisions__translations__"
        readable = Letter.objects.filter(**{f"{text}published_at__isnull": False, f"{text}taken_back_at": None})
        letters = self.published().exclude(state=Letter.State.ARCHIVED).filter(pk__in=readable.values("pk"))
        return letters.order_by(models.F("put_first_at").desc(nulls_last=True), is_open, "-created_at", "-pk")

    def current(self) -> Letter | None:
        """Returns the letter of the home page."""
        return self.listed().first()


def check_time_zone(name: str) -> None:
    """Raises ValidationError unless this is the name of a time zone."""
    if name not in available_timezones():
        raise ValidationError("There is no such time zone. Write a name such as Europe/Berlin.")


def check_one_line(words: str) -> None:
    """Raises ValidationError if there is a line break or another control character."""
    if not words.isprintable():
        raise ValidationError("Write it on one line.")


def check_color(color: str) -> None:
    """Raises ValidationError unless words can be read in this color, written #rrggbb."""
    try:
        is_legible = legible_on_paper(color)
    except ValueError:
        raise ValidationError("Write a color as #rrggbb.") from None
    if not is_legible:
        raise ValidationError("Words in this color can hardly be read.")


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
        ARCHIVED = "archived", "archived"

    ENDED = (State.CLOSED, State.ARCHIVED)

    class RecipientKind(models.TextChoices):
        """Decides the words of the warning above the form and in the privacy notice."""

        GOVERNMENT = "government", "a government or an authority"
        COMPANY = "company", "a company"
        INSTITUTION = "institution", "an institution, such as a university or a church"
        PERSON = "person", "a person"

    class Subjects(models.TextChoices):
        """Whether the subjects of emails say which letter they are about."""

        NEUTRAL = "neutral", "neutral: they name neither the letter nor its recipient"
        TITLE = "title", "with the title of the letter"

    class Moderation(models.TextChoices):
        BEFORE = "before", "names appear once they are approved"
        AFTER = "after", "names without a flag appear at once"

    class Order(models.TextChoices):
        NAME = "name", "by name, script by script"
        COUNTRY = "country", "by country, then by name"
        DAY = "day", "by the day of approval, newest first"

    slug = models.SlugField(
        "slug",
        unique=True,
        help_text="Part of the letter's address. The former address of a public letter leads to the new one for ever.",
    )
    recipient = models.CharField("recipient", max_length=200, validators=[check_one_line])
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
    protected_names = models.TextField(
        "protected names",
        max_length=5000,
        blank=True,
        default="",
        db_default="",
        help_text="One a line, in any script: whoever signs under one of them is looked at, in any order, with titles. "
        "Recipient, address and signatories of all texts are among them already.",
    )
    letterhead = models.JSONField("letterhead", default=dict, blank=True, validators=[check_letterhead])
    recipient_kind = models.CharField(
        "kind of recipient",
        max_length=12,
        choices=RecipientKind,
        default=RecipientKind.GOVERNMENT,
        db_default=RecipientKind.GOVERNMENT,
        help_text="The warning above the form and the privacy notice speak of it.",
    )
    time_zone = models.CharField(
        "time zone",
        max_length=40,
        validators=[check_time_zone],
        default="UTC",
        db_default="UTC",
        help_text="Of the opening and the closing time, here and on the letter's page.",
    )
    # Empty, each of these is the setting of the site.
    organization_name = models.CharField(
        "organization",
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Who answers for this letter: at the foot of its pages, in its emails and in its privacy notice.",
    )
    contact_email = models.EmailField(
        "contact",
        blank=True,
        default="",
        db_default="",
        help_text="The email address for questions: at the foot of its pages, in its emails and in its privacy notice.",
    )
    sender_name = models.CharField(
        "sender of the emails",
        max_length=100,
        blank=True,
        default="",
        db_default="",
        help_text="The name that people see in their mailbox. The address is the site's.",
    )
    subjects = models.CharField(
        "subjects of the emails",
        max_length=8,
        choices=Subjects,
        blank=True,
        default="",
        db_default="",
        help_text="More people open an email that names the letter. A phone shows the subject while it is locked. If"
        " you choose nothing: neutral where the letter goes to a government, else with its title.",
    )
    accent_color = models.CharField(
        "color",
        max_length=7,
        validators=[check_color],
        blank=True,
        default="",
        db_default="",
        help_text="Of buttons, links and the letterhead, on the letter's pages and in its emails.",
    )
    # The letter with the latest time is at `/`.
    put_first_at = models.DateTimeField("put on the front page at", null=True, editable=False)
    created_at = models.DateTimeField("created at", auto_now_add=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "open", "paused", "closed", "archived"]),
                name="letter_state_is_registered",
            ),
            models.CheckConstraint(condition=models.Q(signers_per_mailbox__in=[1, 2]), name="one_or_two_per_mailbox"),
        ]

    def __str__(self) -> str:
        return self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Set the closing time when staff close or archive the letter by hand: the 24 hours to confirm start now."""
        now = timezone.now()
        if self.state in Letter.ENDED and (self.closes_at is None or self.closes_at > now):
            self.closes_at = now
            if kwargs.get("update_fields"):
                kwargs["update_fields"] = {*kwargs["update_fields"], "closes_at"}
        super().save(*args, **kwargs)

    def clean(self) -> None:
        if Letter.objects.filter(slugs__slug=self.slug).exclude(pk=self.pk):
            raise ValidationError({"slug": SLUG_TAKEN})
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError({"closes_at": "It cannot close before it opens."})
        if self.state == Letter.State.OPEN and self.closes_at and self.closes_at <= timezone.now():
            raise ValidationError({"closes_at": "To open the letter again, give a later time or none."})

    @property
    def names_itself_in_subjects(self) -> bool:
        """Returns whether the title of the letter is in the subjects of its emails."""
        suitable = (
            self.Subjects.NEUTRAL if self.recipient_kind == self.RecipientKind.GOVERNMENT else self.Subjects.TITLE
        )
        return (self.subjects or suitable) == self.Subjects.TITLE

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
        if self.current_state(now) not in Letter.ENDED:
            return self.state != Letter.State.DRAFT
        return self.closes_at is not None and now < self.closes_at + CONFIRM_AFTER_CLOSING
