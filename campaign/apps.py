"""The campaign app."""

from django.apps import AppConfig

from campaign import checks  # noqa: F401  importing registers the checks


class CampaignConfig(AppConfig):
    name = "campaign"
