"""The campaign app: its system checks, and what follows a login. And admin, on a site of ours."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in

from campaign import checks, sessions, staff  # noqa: F401  importing registers the checks


class CampaignConfig(AppConfig):
    name = "campaign"

    def ready(self) -> None:
        user_logged_in.connect(staff.forget_first_password, dispatch_uid="first-login")
        user_logged_in.connect(sessions.begin, dispatch_uid="session-begins")


class DeskConfig(AdminConfig):
    default_site = "signatures.admin.site.the_site"
