"""What the database knows of the secret that keys its hashes of email addresses."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from signatures.models.base import UnnamedModel


class PepperFingerprint(UnnamedModel):
    """The one row by which the database knows EMAIL_HASH_PEPPER again. The first migration with it writes it."""

    ROW = 1

    digest = models.BinaryField(max_length=32)

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="one_fingerprint_of_the_pepper")]
