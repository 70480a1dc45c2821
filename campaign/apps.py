"""The campaign app: its system checks, and what follows a login."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in

from campaign import checks, staff  # noqa: F401  importing registers the checks


class CampaignConfig(AppConfig):
    name = "campaign"

    def ready(self) -> None:
        user_logged_in.connect(staff.forget_first_password, dispatch_uid="first-login")
