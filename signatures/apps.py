"""The signatures app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SignaturesConfig(AppConfig):
    name = "signatures"

    def ready(self) -> None:
        from signatures import jobs  # noqa: F401  tasks are found by their module
        from signatures.models import make_groups

        post_migrate.connect(make_groups, sender=self)
