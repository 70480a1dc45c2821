"""Many signatures at once: a rule with a preview, that works in the background and can be undone."""

from signatures.invalidation.rules import (
    FLAG,
    TAKEN,
    Conditions,
    NotARule,
    Preview,
    has_condition,
    look,
    make,
    matching,
    preview,
)
from signatures.invalidation.running import cancel, drop, run, stalled, start, undo
from signatures.workflow import NotAllowed

__all__ = [
    "FLAG",
    "TAKEN",
    "Conditions",
    "NotARule",
    "NotAllowed",
    "Preview",
    "cancel",
    "drop",
    "has_condition",
    "look",
    "make",
    "matching",
    "preview",
    "run",
    "stalled",
    "start",
    "undo",
]
