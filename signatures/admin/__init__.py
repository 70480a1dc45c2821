"""The moderation desk in Django admin."""

from signatures.admin import (
    alarms,
    blocking,
    deliveries,
    exports,
    invalidations,
    letters,
    limits,
    moderation,
    notables,
    paper,
    staff,
    trail,
)

__all__ = [
    "alarms",
    "blocking",
    "deliveries",
    "exports",
    "invalidations",
    "letters",
    "limits",
    "moderation",
    "notables",
    "paper",
    "staff",
    "trail",
]
