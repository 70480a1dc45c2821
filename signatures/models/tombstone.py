"""Tombstones of what was erased."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from signatures.models.base import UnnamedModel
from signatures.states import Kind


class Tombstone(UnnamedModel):
    """What was erased, so that a restored backup does not bring it back (R8): a signature, or a submission.

    `flags` are those that it had: who erases it and signs again does not get rid of them. `rules` are the numbers of
    the bulk rules that raised one of them, which is passed on as long as one of these is in force; the file beside the
    database does not have them. The public id is that of the one row, as `sealing.hidden_id` hides it: this table and
    its file go to backups, and whoever has them and a copy of the public list must not learn who is erased. Version 0.9
    stored none, and had one signature of an address at most. One on paper has no address.
    """

    public_id = models.UUIDField(null=True, unique=True)
    letter_id = models.BigIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    address_hash = models.BinaryField(max_length=32, null=True)
    at = models.DateTimeField()
    flags = ArrayField(models.CharField(max_length=20), default=list, db_default=[])
    rules = ArrayField(models.BigIntegerField(), default=list, db_default=[])

    class Meta(UnnamedModel.Meta):
        indexes: ClassVar = [models.Index("letter_id", "kind", "address_hash", name="tombstones_of_address")]


class FormerMarks(UnnamedModel):
    """The burst marks of what was withdrawn, erased or deleted: who signs again does not get rid of them (S29).

    They go when those of the row would have gone, within 72 hours of the sign-up (R4).
    """

    letter_id = models.BigIntegerField()
    address_hash = models.BinaryField(max_length=32)
    marks = ArrayField(models.CharField(max_length=16))
    signed_up_at = models.DateTimeField()

    class Meta(UnnamedModel.Meta):
        indexes: ClassVar = [models.Index("letter_id", "address_hash", name="former_marks_of_address")]
