"""The signatures app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SignaturesConfig(AppConfig):
    name = "signatures"

    def ready(self) -> None:
        # Here, because models can be imported only once all apps are there.
        from signatures import jobs  # noqa: F401, PLC0415  tasks are found by their module
        from signatures.models import make_groups  # noqa: PLC0415

        post_migrate.connect(make_groups, sender=self)
