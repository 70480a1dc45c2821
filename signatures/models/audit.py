"""The audit log, and the checkpoints that reveal later changes of it."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from signatures.models.base import UnnamedModel


class AuditEntry(UnnamedModel):
    """What was done, when, by whom, why. Append-only, by a trigger. Ids are no foreign keys: rows can be erased."""

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
        verbose_name_plural = "audit log"
        default_permissions: ClassVar = ["view"]
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [
            models.Index(fields=["signature_id", "-id"], name="audit_of_signature"),
            models.Index("at", "id", name="audit_by_day"),
            # Most entries are confirmations. These two indexes leave them out, so that confirming stays quick.
            models.Index("action", "at", "id", name="audit_by_action", condition=~Q(action="confirm")),
            models.Index("staff_id", "at", "id", name="audit_of_staff", condition=Q(staff_id__isnull=False)),
        ]


class Checkpoint(UnnamedModel):
    """A hash over the checkpoint before and the entries since (see `audit.checkpoints`). Append-only, by a trigger."""

    previous = models.CharField(max_length=64, unique=True)  # unique, so that two workers at once make one chain
    digest = models.CharField(max_length=64, unique=True)
    last_entry = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    marks = models.BinaryField()  # of each entry, its number and the first bytes of its hash
    at = models.DateTimeField()
