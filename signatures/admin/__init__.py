"""The moderation desk in Django admin."""

from signatures.admin import (
    alarms,
    blocking,
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
