"""The outbox: emails to signers and to staff, their subjects, and the addresses that get none."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from campaign.models.languages import language_choices
from signatures.models.base import UnnamedModel
from signatures.models.signature import Signature


class OutboxMail(UnnamedModel):
    """An email. Its recipient is sealed, and is deleted once the email is sent or given up."""

    class Kind(models.TextChoices):
        LINK = "link", "link to confirm"
        LINKS = "links", "personal links asked for"
        REMINDER = "reminder", "reminder to confirm"
        QUESTION = "question", "question of staff"
        UPDATE = "update", "what became of the letter"
        INVITE = "invite", "invitation of a member of staff"
        RESET = "reset", "password reset of a member of staff"
        ALARM = "alarm", "alarm to a member of staff"
        FACTOR_RESET = "factor-reset", "a second factor was reset by an owner"

    class Priority(models.IntegerChoices):
        """What goes first when much is due. A flood of flagged sign-ups delays nobody else's email."""

        STAFF = 0, "to staff"
        ASKED = 1, "asked for by a signer, or by staff"
        SIGN_UP = 2, "sign-ups without a flag"
        FLAGGED = 3, "flagged sign-ups"
        REMINDER = 4, "reminders"
        UPDATE = 5, "updates"

    # The number of a submission, too: the signature that it becomes keeps it. So no constraint of the database.
    signature = models.ForeignKey(Signature, models.CASCADE, null=True, related_name="mails", db_constraint=False)
    staff_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=20, choices=Kind)
    priority = models.PositiveSmallIntegerField(choices=Priority, db_default=2)
    # Keyed hashes for the caps: of all spellings of the address (`sealing.caps_hash`), and of the address alone.
    mailbox = models.CharField(max_length=16, blank=True, default="", db_default="")
    address_key = models.CharField(max_length=16, blank=True, default="", db_default="")
    topic = models.CharField(max_length=40, blank=True, db_default="")
    language = models.CharField(max_length=10)
    recipient = models.BinaryField(null=True)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()  # when it is tried next
    # Since when it could have been sent, once it was tried. Caps and budgets blank it.
    waiting_since = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)  # while a sender is busy with it, see `claims`
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # those that say something about the mailbox
    faults = models.PositiveIntegerField(default=0, db_default=0)  # all others: they never use up an email
    failure = models.CharField(max_length=40, blank=True)  # the last one, see `refusals.Failure`
    refused_at = models.DateTimeField(null=True)  # when the email service first refused it for good

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(recipient__isnull=True), name="sent_mail_has_no_recipient"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=["link", "links", "reminder", "question", "update"],
                    signature__isnull=False,
                    staff_id__isnull=True,
                )
                | Q(
                    kind__in=["invite", "reset", "alarm", "factor-reset"],
                    signature__isnull=True,
                    staff_id__isnull=False,
                ),
                name="mail_goes_to_a_signer_or_to_staff",
            ),
        ]
        indexes: ClassVar = [
            models.Index("priority", "due_at", name="outbox_due", condition=Q(recipient__isnull=False)),
            models.Index("staff_id", "queued_at", name="outbox_to_staff", condition=Q(staff_id__isnull=False)),
            # For the caps and the dashboard. No sign-up pays for these three, only an email that was sent or given up.
            models.Index(
                "mailbox", "sent_at", name="outbox_sent_to", condition=Q(sent_at__isnull=False) & ~Q(mailbox="")
            ),
            models.Index("sent_at", name="outbox_sent", condition=Q(sent_at__isnull=False)),
            models.Index(
                "due_at", name="outbox_given_up", condition=Q(sent_at__isnull=True) & Q(recipient__isnull=True)
            ),
            # These hold few rows: emails that were tried and not sent yet, that were refused, that are being sent.
            models.Index(
                "waiting_since",
                name="outbox_waiting",
                condition=Q(waiting_since__isnull=False) & Q(recipient__isnull=False),
            ),
            models.Index("refused_at", name="outbox_refused", condition=Q(refused_at__isnull=False)),
            models.Index("claimed_until", name="outbox_claimed", condition=Q(claimed_until__isnull=False)),
        ]


class OutboxHold(UnnamedModel):
    """The one row that tells what keeps all emails back: failures of the email service in a row, or the site's budget.

    After many failures the outbox is held (`holding`).
    """

    ROW, AFTER = 1, 5

    failures = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=40, blank=True)  # the last one
    probe_at = models.DateTimeField(null=True)  # when one email may be tried though the outbox is held
    budget_spent_at = models.DateTimeField(null=True)  # when the site last might send no more, except to staff

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="one_hold_of_the_outbox")]

    @property
    def is_held(self) -> bool:
        return self.failures >= self.AFTER


class EmailSubject(models.Model):
    """A subject that staff chose in place of the default one. It is visible on the screen of a seized phone."""

    class Of(models.TextChoices):
        LINK = "link", "the link to confirm"
        LINKS = "links", "the links that a signer asked for"
        REMINDER = "reminder", "the reminder to confirm"
        QUESTION = "question", "that staff have a question"
        UPDATE = "update", "what became of the letter"

    mail = models.CharField("email", max_length=20, choices=Of)
    language = models.CharField("language", max_length=10, choices=language_choices)
    subject = models.CharField(
        "subject", max_length=80, help_text="Neutral: it names neither the letter nor its recipient."
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("mail", "language", name="one_subject_per_email")]

    def __str__(self) -> str:
        return f"{self.mail} ({self.language})"


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def active(self) -> SuppressionQuerySet:
        return self.filter(until__gt=timezone.now(), released_at=None)


class Suppression(models.Model):
    """An email address that gets fewer emails until this time, or until staff release it (`outbox.suppressions`)."""

    class Reason(models.TextChoices):
        NOT_ME = "not-me", "“this was not me”"
        BOUNCE = "bounce", "no such mailbox, or it is full"
        COMPLAINT = "complaint", "reported as spam"

    address_hash = models.BinaryField(max_length=32, primary_key=True)
    reasons = ArrayField(models.CharField(max_length=10, choices=Reason), db_default=[Reason.NOT_ME.value])
    since = models.DateTimeField("since", db_default=Now())  # the last reason
    until = models.DateTimeField("until")
    released_at = models.DateTimeField(null=True)

    objects = SuppressionQuerySet.as_manager()

    class Meta:
        verbose_name = "address without emails"
        verbose_name_plural = "addresses without emails"
        ordering: ClassVar = ["-since"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("release_suppression", "Can let an address get emails again")]

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d}"

    @property
    def why(self) -> str:
        """The reasons in words, for staff."""
        return "; ".join(str(self.Reason(reason).label) for reason in self.reasons)
