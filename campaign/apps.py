"""The campaign app."""

from django.apps import AppConfig


class CampaignConfig(AppConfig):
    name = "campaign"

    def ready(self) -> None:
        # Imported here, because it imports models.
        from campaign import checks  # noqa: F401  importing registers the checks
