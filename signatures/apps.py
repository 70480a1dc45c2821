"""The signatures app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SignaturesConfig(AppConfig):
    name = "signatures"

    def ready(self) -> None:
        # Here, because models can be imported only once all apps are there.
        from signatures import (  # noqa: PLC0415
            jobs,  # noqa: F401  tasks are found by their module
            limits,
            reasons,
            roles,
        )

        post_migrate.connect(roles.make_groups, sender=self)
        post_migrate.connect(limits.make_limits, sender=self)
        post_migrate.connect(reasons.make_reasons, sender=self)
