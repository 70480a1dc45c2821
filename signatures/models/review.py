"""Who reads which page of the review queue, and who wants an email about it."""

from django.db import models

from signatures.models.base import UnnamedModel


class PageClaim(UnnamedModel):
    """A signature on a page that a member of staff has open. No foreign keys: a claim outlives neither by minutes."""

    signature_id = models.BigIntegerField(primary_key=True)
    staff_id = models.BigIntegerField()
    until = models.DateTimeField()


class QueueMail(UnnamedModel):
    """A member of staff who wants an email each day that says how many signatures wait, and since when."""

    staff_id = models.BigIntegerField(primary_key=True)
    queued_on = models.DateField(null=True)  # the day of the last one
