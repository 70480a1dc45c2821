"""What rows have in common: those without a page of their own in admin, and those that become public in steps."""

from typing import ClassVar

from django.db import models


class UnnamedModel(models.Model):
    """A row that is known by its number alone, so that no list and no history of admin repeats what it holds."""

    class Meta:
        abstract = True
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.pk)


class NextMinute(models.Func):
    """The minute from which a change that is written now is public at the earliest (`sql/count_steps.sql`)."""

    function = "signatures_next_minute"
    arity = 0
    output_field: ClassVar = models.DateTimeField()
