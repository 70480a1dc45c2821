"""What rows have in common that have no page of their own in admin."""

from typing import ClassVar

from django.db import models


class UnnamedModel(models.Model):
    """A row that is known by its number alone, so that no list and no history of admin repeats what it holds."""

    class Meta:
        abstract = True
        default_permissions: ClassVar = []

    def __str__(self) -> str:
        return str(self.pk)
