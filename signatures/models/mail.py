"""Mails to the people who sign and to staff: the outbox, what it is titled, and who wants none."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from signatures.models.signature import Signature


class Mail(models.Model):
    """The outbox: a mail that is due, with its recipient sealed; once sent or given up, without one."""

    class Kind(models.TextChoices):
        LINK = "link", "personal link"
        REMINDER = "reminder", "reminder to confirm"
        QUESTION = "question", "question of staff"
        UPDATE = "update", "what became of the letter"
        INVITE = "invite", "invitation of a member of staff"
        RESET = "reset", "new password of a member of staff"
        ALARM = "alarm", "alarm to a member of staff"

    signature = models.ForeignKey(Signature, models.CASCADE, null=True, related_name="mails")
    staff_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=20, choices=Kind)
    topic = models.CharField(max_length=40, blank=True, db_default="")
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
            models.CheckConstraint(
                condition=Q(
                    kind__in=["link", "reminder", "question", "update"], signature__isnull=False, staff_id__isnull=True
                )
                | Q(kind__in=["invite", "reset", "alarm"], signature__isnull=True, staff_id__isnull=False),
                name="mail_goes_to_a_signer_or_to_staff",
            ),
        ]
        indexes: ClassVar = [
            models.Index("due_at", name="mail_due", condition=Q(recipient__isnull=False)),
            models.Index("staff_id", "queued_at", name="mail_to_staff", condition=Q(staff_id__isnull=False)),
            # What the picture counts; neither is paid for by a sign-up, only by a mail that went or was given up.
            models.Index("sent_at", name="mail_sent", condition=Q(sent_at__isnull=False)),
            models.Index("due_at", name="mail_given_up", condition=Q(sent_at__isnull=True) & Q(recipient__isnull=True)),
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
        UPDATE = "update", _("what became of the letter")

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
