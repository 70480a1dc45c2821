"""The groups of staff, and what each may do."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

GROUPS = {
    "moderator": [
        "signatures.view_signature",
        "signatures.moderate_signature",
        "signatures.view_trailentry",
        "campaign.view_letter",
    ],
    "delivery officer": [
        "signatures.view_signedletter",
        "signatures.export_signedletter",
        "signatures.view_delivery",
        "signatures.deliver_delivery",
        "signatures.view_trailentry",
    ],
    "editor": [
        *(
            f"campaign.{verb}_{model}"
            for model in ("letter", "revision", "translation")
            for verb in ("add", "change", "view")
        ),
    ],
}


def make_groups(**_signal: Any) -> None:
    """The groups of staff and what each may do; called after every migration, and harmless when repeated."""
    for name, labels in GROUPS.items():
        group, _made = Group.objects.get_or_create(name=name)
        wanted = Q()
        for label in labels:
            app, codename = label.split(".")
            wanted |= Q(content_type__app_label=app, codename=codename)
        group.permissions.add(*Permission.objects.filter(wanted))
