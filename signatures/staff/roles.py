"""The groups of staff, and what each may do."""

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
        "campaign.delete_newstext",  # of a draft
    ],
    # What all others may, and:
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
    """What an account may do comes from its roles alone: one place to look, and one statement less on every page."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()


def create_groups(**_signal: Any) -> None:
    """The groups of staff and exactly what each may do; called after every migration, and harmless when repeated."""
    for name, labels in GROUPS.items():
        group, _made = Group.objects.get_or_create(name=name)
        wanted = Q()
        for label in chain(*GROUPS.values()) if name == "owner" else labels:
            app, codename = label.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        group.permissions.set(Permission.objects.filter(wanted))


def alarm_recipients() -> list[int]:
    """The members of staff whom an alarm is mailed to: owners and moderators."""
    wanted = Q(is_superuser=True) | Q(groups__name__in=["owner", "moderator"])
    return list(User.objects.filter(wanted, is_active=True, is_staff=True).distinct().values_list("pk", flat=True))
