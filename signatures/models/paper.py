"""Imports of signatures from paper, one row for each file. The file is kept, sealed, until it is imported."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from campaign.models import Letter
from signatures.models.base import UnnamedModel


class PaperImportQuerySet(models.QuerySet["PaperImport"]):
    """Named sets of paper imports."""

    def previews(self) -> PaperImportQuerySet:
        """Files that wait to be imported."""
        return self.filter(step=PaperImport.Step.PREVIEW, expires_at__gt=timezone.now())

    def expired(self) -> PaperImportQuerySet:
        return self.filter(step=PaperImport.Step.PREVIEW, expires_at__lte=timezone.now())


class PaperImport(UnnamedModel):
    """One file of paper signatures: first a preview, then imported. The import can be undone as a whole."""

    KEPT_FOR = timedelta(hours=24)  # a preview, from its last change

    class Step(models.TextChoices):
        PREVIEW = "preview", "preview"
        RUNNING = "running", "running"
        DONE = "done", "imported"

    letter = models.ForeignKey(Letter, models.PROTECT, related_name="+", verbose_name="letter")
    at = models.DateTimeField("when", auto_now_add=True)
    staff_id = models.BigIntegerField("staff")
    number = models.PositiveIntegerField("imported")
    first_entry = models.BigIntegerField(editable=False)  # the range of its audit entries, which name the signatures
    last_entry = models.BigIntegerField(editable=False)
    undone_at = models.DateTimeField("undone", null=True)

    step = models.CharField("state", max_length=10, choices=Step, default=Step.PREVIEW, db_default=Step.DONE)
    # Sealed with a key made from SECRET_KEY, and gone with the import: the file, and what staff said about it.
    sealed_file = models.BinaryField(null=True, editable=False)
    sealed_preview = models.BinaryField(null=True, editable=False)
    expires_at = models.DateTimeField(null=True, editable=False)
    # What staff took the headings for, by digests of them: suggested for the next file.
    columns = models.JSONField(default=dict, db_default={}, editable=False)
    done = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)  # percent
    seen_at = models.DateTimeField(null=True, editable=False)  # the last heartbeat of the job
    failure = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)

    objects = PaperImportQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        default_permissions: ClassVar = ["view"]
        permissions: ClassVar = [("import_paper", "Can import signatures from paper, and undo an import")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(step="done") | Q(sealed_file__isnull=True, sealed_preview__isnull=True),
                name="an_imported_file_is_gone",
            ),
        ]
