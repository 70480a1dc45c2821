"""What was done, when, by whom, why."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


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
        indexes: ClassVar = [
            models.Index(fields=["signature_id", "-id"], name="trail_of_signature"),
            # Exports, alarms, prunings: few among millions. No entry about a signature pays for it.
            models.Index(
                fields=["action", "-id"], name="trail_of_house", condition=models.Q(signature_id__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
