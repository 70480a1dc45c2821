"""The menus of admin, grouped by the job of whoever works with them."""

from collections.abc import Sequence
from typing import Any

# Each menu lists the models of one job, as often as they are needed. A model that stands nowhere is a site setting.
MENUS = {
    "Letters": ["letter", "translation", "news", "notice"],
    "Review": [
        "waitingsignature", "signature", "signerrequest", "featuredsignature", "bulkrule", "blocklistentry",
        "suppression",
    ],
    "Delivery": ["signedletter", "delivery", "paperimport"],
    "Audit": ["auditentry", "alarm"],
    "Site settings": ["user", "group", "ratelimit", "rejectionreason", "question", "emailsubject"],
}  # fmt: skip
_LAST = "Site settings"


def grouped(apps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the models of Django's list of apps, each in the menu of its job. A menu without a model is left out.

    Args:
        apps: as `AdminSite.get_app_list` returns them: what the acting user may open, and nothing else.
    """
    models = {model["object_name"].lower(): model for app in apps for model in app["models"]}
    named = {name for names in MENUS.values() for name in names}
    menus = {title: [models[name] for name in names if name in models] for title, names in MENUS.items()}
    menus[_LAST] += [model for name, model in models.items() if name not in named]
    return [
        {"name": title, "app_label": title.lower().replace(" ", "-"), "has_module_perms": True, "models": found}
        for title, found in menus.items()
        if found
    ]
