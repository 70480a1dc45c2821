"""The signatures app, and Django admin on our own site class."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate

from campaign.runtime import logs

_handlers_before = logs.handlers_of_loggers()  # of whoever starts Django; this module is imported before any model


class SignaturesConfig(AppConfig):
    name = "signatures"

    def ready(self) -> None:
        # Imported here, because models can be imported only once all apps are loaded.
        from campaign.web import health
        from signatures import checks, pepper, tasks  # noqa: F401  importing registers checks and tasks
        from signatures.delivery import package_store
        from signatures.moderation import default_texts
        from signatures.outbox import queue
        from signatures.screening import rate_limits
        from signatures.staff import email_links, first_account, roles, sessions

        email_links.register()
        health.more_checks |= {"mail": queue.is_moving, "packages": package_store.can_be_asked}
        post_migrate.connect(roles.create_groups, sender=self)
        post_migrate.connect(rate_limits.create_default_limits, sender=self)
        post_migrate.connect(default_texts.create_default_texts, sender=self)
        post_migrate.connect(pepper.keep_fingerprint, sender=self)
        user_logged_in.connect(first_account.delete_first_password_file, dispatch_uid="first-login")
        user_logged_in.connect(sessions.start, dispatch_uid="session-starts")
        # A password alone is no login: `sessions.record_login` says when there was one.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        logs.remove_handlers_since(_handlers_before)  # this app is the last one: all packages are imported


class StaffAdminConfig(AdminConfig):
    default_site = "signatures.staff.admin_site.staff_site"
