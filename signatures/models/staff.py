"""What owners decide about each other's accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from signatures.models.base import UnnamedModel


class FactorResetQuerySet(models.QuerySet["FactorReset"]):
    def open(self) -> FactorResetQuerySet:
        return self.filter(asked_at__gt=timezone.now() - FactorReset.VALID_FOR)


class FactorReset(UnnamedModel):
    """An owner asked to reset the second factor of a colleague, and no second owner has confirmed it yet."""

    VALID_FOR = timedelta(days=1)

    account = models.OneToOneField(User, models.CASCADE, related_name="+")
    asked_by = models.BigIntegerField()
    asked_at = models.DateTimeField()

    objects = FactorResetQuerySet.as_manager()

    class Meta(UnnamedModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(account_id=models.F("asked_by")), name="nobody_resets_the_own_second_factor"
            )
        ]
