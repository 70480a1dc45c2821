"""Roles of staff and their permissions. Each role is a group of Django."""

from itertools import chain
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q

GROUPS = {
    "moderator": [
        "signatures.view_signature",
        "signatures.moderate_signature",
        "signatures.apply_bulk_rules",
        "signatures.view_auditentry",
        "signatures.view_alarm",
        "signatures.pause_signing",
        "signatures.view_blocklistentry",
        "campaign.view_letter",
    ],
    "delivery officer": [
        "signatures.view_signedletter",
        "signatures.export_signedletter",
        "signatures.view_paperimport",
        "signatures.import_paper",
        "signatures.view_delivery",
        "signatures.deliver_delivery",
        "signatures.view_auditentry",
    ],
    "editor": [
        *(
            f"campaign.{verb}_{model}"
            for model in ("letter", "revision", "translation", "news", "newstext")
            for verb in ("add", "change", "view")
        ),
        "campaign.delete_newstext",  # drafts only
    ],
    # All permissions of the other roles, and:
    "owner": [
        "auth.add_user",
        "auth.change_user",
        "auth.view_user",
        "auth.view_group",
        "signatures.turn_switches",
        *(f"signatures.{verb}_blocklistentry" for verb in ("add", "change", "delete")),
        *(
            f"signatures.{verb}_{model}"
            for model in ("ratelimit", "emailsubject", "question", "rejectionreason")
            for verb in ("add", "change", "delete", "view")
        ),
    ],
}


class RoleBackend(ModelBackend):
    """Permissions come from roles alone, never from single accounts. That also saves one statement on every page."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()


def create_groups(**_signal: Any) -> None:
    """Create the groups, and set their permissions to exactly those above. Called after every migration."""
    for name, labels in GROUPS.items():
        group, _created = Group.objects.get_or_create(name=name)
        chosen = Q()
        for label in chain(*GROUPS.values()) if name == "owner" else labels:
            app_label, codename = label.split(".")
            chosen |= Q(content_type__app_label=app_label, codename=codename)
        group.permissions.set(Permission.objects.filter(chosen))


def alarm_recipients() -> list[int]:
    """Returns the ids of the active accounts that get alarms by email: owners and moderators."""
    recipients = Q(is_superuser=True) | Q(groups__name__in=["owner", "moderator"])
    return list(User.objects.filter(recipients, is_active=True, is_staff=True).distinct().values_list("pk", flat=True))
