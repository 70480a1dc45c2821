"""The campaign app: its name, and its system checks."""

from django.apps import AppConfig


class CampaignConfig(AppConfig):
    name = "campaign"

    def ready(self) -> None:
        from campaign import checks  # noqa: F401  registers the checks
