"""What was done, when, by whom, why; and the seals that show whether it still stands as it was written."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class AuditEntry(models.Model):
    """What was done, when, by whom, why. Append-only (by a trigger); plain ids, so that rows can be erased."""

    at = models.DateTimeField("when", auto_now_add=True)
    action = models.CharField("action", max_length=30)
    staff_id = models.BigIntegerField("staff", null=True)
    letter_id = models.BigIntegerField("letter", null=True)
    signature_id = models.BigIntegerField("signature", null=True)
    was = models.CharField("state before", max_length=12, blank=True)
    now = models.CharField("state after", max_length=12, blank=True)
    reason = models.CharField("reason", max_length=300, blank=True)
    detail = models.JSONField("detail", default=dict)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        default_permissions: ClassVar = ["view"]
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["signature_id", "-id"], name="audit_of_signature"),
            models.Index("at", "id", name="audit_by_day"),
            # Most entries are confirmations. These two leave them out, so that no confirmation pays for them.
            models.Index("action", "at", "id", name="audit_by_action", condition=~Q(action="confirm")),
            models.Index("staff_id", "at", "id", name="audit_of_staff", condition=Q(staff_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Checkpoint(models.Model):
    """A hash over the seal before and the entries since, so that none can be changed unseen (see `seals`).

    Append-only, by a trigger.
    """

    previous = models.CharField(max_length=64, unique=True)  # so that two who seal at once make one chain
    digest = models.CharField(max_length=64, unique=True)
    last_entry = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    marks = models.BinaryField()  # of each entry its number and the beginning of its own hash
    at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.pk)
