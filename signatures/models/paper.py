"""Imports of signatures from paper, one row for each file. Neither the file nor its names are kept."""

from typing import ClassVar

from django.db import models

from campaign.models import Letter
from signatures.models.base import UnnamedModel


class PaperImport(UnnamedModel):
    """One imported file of paper signatures. The import can be undone as a whole."""

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="+", verbose_name="letter")
    at = models.DateTimeField("when", auto_now_add=True)
    staff_id = models.BigIntegerField("staff")
    number = models.PositiveIntegerField("imported")
    first_entry = models.BigIntegerField(editable=False)  # the range of its audit entries, which name the signatures
    last_entry = models.BigIntegerField(editable=False)
    undone_at = models.DateTimeField("undone", null=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("import_paper", "Can import signatures from paper, and undo an import")]
