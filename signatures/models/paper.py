"""What was taken in from paper, file by file. Neither the file nor a name of it stands here."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from campaign.models import Letter


class PaperImport(models.Model):
    """One file of signatures collected on paper, so that it can be taken back whole."""

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="+", verbose_name="letter")
    at = models.DateTimeField("when", auto_now_add=True)
    staff_id = models.BigIntegerField("staff")
    number = models.PositiveIntegerField("taken")
    first_entry = models.BigIntegerField(editable=False)  # its entries in the trail, which name the rows
    last_entry = models.BigIntegerField(editable=False)
    undone_at = models.DateTimeField("undone", null=True)

    class Meta:
        verbose_name = "import from paper"
        verbose_name_plural = "imports from paper"
        ordering: ClassVar = ["-pk"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("import_paper", "Can take in signatures from paper, and take an import back")]

    def __str__(self) -> str:
        return str(self.pk)
